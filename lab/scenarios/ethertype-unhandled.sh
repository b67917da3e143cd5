# Frames of an ethertype that nobody handles, many of them: rx_dropped rises, no datagram is lost
CAUSE=ethertype-unhandled EXAMINE=$S SECONDS=3 SEVERITY=warning WITNESS=eth0.rx_dropped FRAMES=600

frame() { # frame ETHERTYPE: from the client to the server, 46 bytes of payload
	printf '%s%s%s%092d' "${SMAC//:/}" "${CMAC//:/}" "$1" 0
}

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
}

traffic() {
	gen "$C" udp-send "$S4" 5300 -n 500 --rate 1000
	[ -n "$FRAMES" ] || return
	gen "$C" raw "$CDEV" "$(frame 88b5)" -n "$FRAMES" --rate 600
	echo "lost=$SENT"
}

heal() {
	FRAMES=''
}
