# A device was told to listen to everything, nobody captures any more, and others' frames come in
CAUSE=rx-promisc-leftover VIA=otherhost-mac EXAMINE=$S SECONDS=3 SEVERITY=info

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	ip -n "$S" link set "$SDEV" promisc on
	MAC=02:00:00:00:02:77
}

traffic() {
	gen "$C" udp-send "$S4" 5300 -n 500 --rate 1000
	[ -n "$MAC" ] || return
	gen "$C" raw "$CDEV" --udp --from "$C4" --to 192.0.2.77 --to-port 5300 \
		--dmac "$MAC" --smac "$CMAC" -n 1000 --rate 1000
	echo "lost=$SENT"
}

heal() {
	ip -n "$S" link set "$SDEV" promisc off
	MAC=''
}
