# The queue between a virtual device and the stack (netdev_max_backlog) is shorter than a burst
CAUSE=softnet-backlog-drop HOST=1 EXAMINE=$S SECONDS=3 WITNESS=softnet.dropped TO=$S4
BACKLOG=/proc/sys/net/core/netdev_max_backlog

# Without offload the sending device cuts large datagrams apart: 40 packets in one go
fault() {
	SAVED=$(cat $BACKLOG)
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	in_ns "$C" ethtool -K "$CDEV" tso off gso off tx-udp-segmentation off
	echo 10 >$BACKLOG
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 100 --rate 100 --size 40000 --segment 1000
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	echo "$SAVED" >$BACKLOG
}
