# A capture listens to all, and hears what others send each other: noted, but no loss
CAUSE=none EXAMINE=$S SECONDS=3

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	ip -n "$S" link set "$SDEV" promisc on
}

traffic() {
	gen "$C" raw "$CDEV" --udp --from "$C4" --to 192.0.2.77 --to-port 5300 \
		--dmac 02:00:00:00:02:77 --smac "$CMAC" -n 1000 --rate 1000
	gen "$C" udp-send "$S4" 5300 -n 500 --rate 1000
}
