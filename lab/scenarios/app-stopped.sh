# The process that should read a UDP socket is stopped (SIGSTOP), and its buffer fills
CAUSE=app-stopped VIA=udp-rcvbuf-full EXAMINE=$S SECONDS=4 WITNESS=UdpRcvbufErrors TO=$S4

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 65536
	kill -STOP "$READER"
}

# What the queue keeps is not lost; one datagram alone tells how much each takes there
traffic() {
	local unit

	gen "$C" udp-send "$TO" 5300 -n 1
	unit=$(skmem "$S" 5300 r)
	gen "$C" udp-send "$TO" 5300 -n 2000 --rate 1000
	[ "$unit" = 0 ] || echo "lost=$((SENT + 1 - $(queued "$S" 5300 "$unit")))"
}

heal() {
	kill -CONT "$READER"
	tally "$READER" received
}
