# A burst of one flow, more than the fair queue lets one flow have
CAUSE=fq-limits VIA=qdisc-drop EXAMINE=$C SECONDS=4 TO=$S4

needs() {
	ip netns add "$LAB_ID-fq" && ip -n "$LAB_ID-fq" link set lo up
	tc -n "$LAB_ID-fq" qdisc add dev lo root fq 2>/dev/null
	local failed=$?

	ip netns del "$LAB_ID-fq"
	[ $failed = 0 ] && return
	echo "this kernel has no fq"
	return 77
}

# Paced, so that what comes at once has to wait
fault() {
	serve READER "$S" udp-recv 5300
	tc -n "$C" qdisc add dev "$CDEV" root handle 1: fq flow_limit 10 maxrate 8mbit
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 300 --size 1000 --burst 60 --gap 0.4
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	tc -n "$C" qdisc change dev "$CDEV" root handle 1: fq flow_limit 500
}
