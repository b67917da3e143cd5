# Broadcasts for a port without a socket
CAUSE=udp-ignored-multi EXAMINE=$S SECONDS=3 SEVERITY=info VERDICT=healthy
WITNESS=UdpIgnoredMulti

traffic() {
	gen "$C" raw "$CDEV" --udp --from "$C4" --to 192.0.2.255 --from-port 5300 --to-port 5300 \
		--dmac ff:ff:ff:ff:ff:ff --smac "$CMAC" -n 500 --rate 500
	[ -n "$READER" ] || echo "lost=$SENT"
}

heal() {
	serve READER "$S" udp-recv 5300
}
