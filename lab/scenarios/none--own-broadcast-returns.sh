# A switch sends this host's own broadcasts back to it: refused as forged, and nothing is lost
CAUSE=none EXAMINE=$S SECONDS=3

traffic() {
	gen "$C" raw "$CDEV" --udp --from "$S4" --to 255.255.255.255 --to-port 5300 \
		--dmac ff:ff:ff:ff:ff:ff --smac "$CMAC" -n 300 --rate 300
}
