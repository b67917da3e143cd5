# Both ports of a bridge are isolated: they reach the bridge and not each other
CAUSE=bridge-filter TOPOLOGY=router EXAMINE=$R SECONDS=3 SEVERITY=warning TO=$B4

needs() {
	needs_bridge
}

isolated() {
	ip -n "$R" link set "$RCDEV" type bridge_slave isolated "$1"
	ip -n "$R" link set "$RSDEV" type bridge_slave isolated "$1"
}

fault() {
	bridge_between
	await 5 port_is "$RCDEV" forwarding && await 5 port_is "$RSDEV" forwarding
	serve READER "$S" udp-recv 5300
	isolated on
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 1000 --rate 1000
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	isolated off
}
