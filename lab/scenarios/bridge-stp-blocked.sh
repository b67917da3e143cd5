# A bridge port has just come up: the spanning tree makes it listen before anything passes
CAUSE=bridge-stp-blocked TOPOLOGY=router EXAMINE=$R SECONDS=3 TO=$B4 LATE=$RCDEV

needs() {
	needs_bridge
}

fault() {
	bridge_between
	ip -n "$R" link set br0 type bridge stp_state 0
	await 5 port_is "$RCDEV" forwarding && await 5 port_is "$RSDEV" forwarding
	serve READER "$S" udp-recv 5300
	ip -n "$R" link set br0 type bridge stp_state 1 forward_delay 3000
	ip -n "$R" link set "$LATE" down
	ip -n "$R" link set "$LATE" up
	await 5 port_is "$LATE" listening
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 1000 --rate 1000
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	ip -n "$R" link set br0 type bridge stp_state 0
	ip -n "$R" link set "$LATE" down # a port that waits already goes on waiting
	ip -n "$R" link set "$LATE" up
	await 5 port_is "$LATE" forwarding
}
