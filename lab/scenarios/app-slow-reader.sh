# A process reads its UDP socket far slower than datagrams come; its queue is never empty
CAUSE=app-slow-reader VIA=udp-rcvbuf-full EXAMINE=$S SECONDS=4 WITNESS=UdpRcvbufErrors TO=$S4

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 131072 --slow 10000
}

# It is still busy with its queue when this ends, so the socket's own count must do
traffic() {
	local before

	before=$(skmem "$S" 5300 d)
	gen "$C" udp-send "$TO" 5300 -n 2500 --size 100 --rate 1000
	echo "lost=$(($(skmem "$S" 5300 d) - before))"
}

heal() {
	stop "$READER"
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
}
