# A softirq ends after one packet, and the thread that goes on with the rest comes too late
CAUSE=softnet-time-squeeze VIA=softnet-backlog-drop HOST=1 EXAMINE=$S SECONDS=4 WITNESS=softnet.dropped
BUDGET=/proc/sys/net/core/netdev_budget BACKLOG=/proc/sys/net/core/netdev_max_backlog TO=$S4

# A poll takes in dev_weight packets, whatever the budget is
fault() {
	SAVED=$(cat $BUDGET)
	serve READER "$S" udp-recv 5300 --rcvbuf 16000000
	in_ns "$C" ethtool -K "$CDEV" tso off gso off tx-udp-segmentation off
	echo 1 >/proc/sys/net/core/dev_weight
	echo 1 >$BUDGET
	echo 100 >$BACKLOG
}

# Each 40 fit into the queue if those before them were taken in. The sender comes before the thread,
# as a real-time program does: else it is chance which of the two is faster.
traffic() {
	SENT=$(lab_field sent "$(in_ns "$C" chrt -f 1 "$GEN" udp-send "$TO" 5300 -n 250 --size 40000 \
		--segment 1000)")
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	echo "$SAVED" >$BUDGET
}
