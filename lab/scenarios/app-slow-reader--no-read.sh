# A process opened a UDP socket, runs, and never reads it
. "${BASH_SOURCE[0]%/*}/app-slow-reader.sh"

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 65536 --no-read
}

# What the queue keeps is not lost; one datagram alone tells how much each takes there
traffic() {
	local unit

	gen "$C" udp-send "$TO" 5300 -n 1
	unit=$(skmem "$S" 5300 r)
	gen "$C" udp-send "$TO" 5300 -n 2000 --rate 1000
	[ "$unit" = 0 ] || echo "lost=$((SENT + 1 - $(queued "$S" 5300 "$unit")))"
}
