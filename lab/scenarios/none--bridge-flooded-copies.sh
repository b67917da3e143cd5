# A switch beyond a bridge port floods frames for a station that is behind that same port
CAUSE=none TOPOLOGY=router EXAMINE=$R SECONDS=3

needs() {
	needs_bridge
}

fault() {
	bridge_between
	await 5 port_is "$RCDEV" forwarding && await 5 port_is "$RSDEV" forwarding
	in_ns "$C" "$GEN" raw "$CDEV" --udp --from 192.0.2.77 --to "$B4" --to-port 5300 \
		--dmac "$SMAC" --smac 02:00:00:00:02:77 -n 1
}

traffic() {
	gen "$C" raw "$CDEV" --udp --from "$C4" --to 192.0.2.77 --to-port 5300 \
		--dmac 02:00:00:00:02:77 --smac "$CMAC" -n 1000 --rate 1000
}
