# One flow in bursts fills more than half of a short backlog queue, and the flow limit is on
CAUSE=rps-flow-limit-drop HOST=1 EXAMINE=$S SECONDS=3 WITNESS=softnet.dropped TO=$S4
BACKLOG=/proc/sys/net/core/netdev_max_backlog LIMIT=/proc/sys/net/core/flow_limit_cpu_bitmap

needs() {
	[ -w $LIMIT ] && return
	echo "this kernel has no flow limit"
	return 77
}

# Without offload the sending device cuts large datagrams apart: 40 packets in one go. The first
# bursts fill the memory of the limit, and some of them find the queue full before it acts
fault() {
	SAVED=$(cat $BACKLOG)
	SAVED_LIMIT=$(cat $LIMIT)
	on_exit sh -c "echo $SAVED_LIMIT >$LIMIT"
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	in_ns "$C" ethtool -K "$CDEV" tso off gso off tx-udp-segmentation off
	echo 20 >$BACKLOG
	printf '%x\n' $(((1 << $(nproc)) - 1)) >$LIMIT
	taskset -pc 0 "$BASHPID" >/dev/null # each CPU has a memory of its own
	gen "$C" udp-send "$TO" 5300 --sport 4444 -n 60 --rate 300 --size 40000 --segment 1000
	tally "$READER" received >/dev/null
}

traffic() {
	taskset -pc 0 "$BASHPID" >/dev/null
	gen "$C" udp-send "$TO" 5300 --sport 4444 -n 100 --rate 100 --size 40000 --segment 1000
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	echo "$SAVED" >$BACKLOG
	echo "$SAVED_LIMIT" >$LIMIT
}
