# The reader is stopped for a part of the sample only, and runs again before it ends
. "${BASH_SOURCE[0]%/*}/app-stopped.sh"
SECONDS=6

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 65536
}

traffic() {
	local sent

	gen "$C" udp-send "$TO" 5300 -n 500 --rate 1000
	sent=$SENT
	[ "$HEALED" = 1 ] || kill -STOP "$READER"
	gen "$C" udp-send "$TO" 5300 -n 1500 --rate 1000
	kill -CONT "$READER"
	sent=$((sent + SENT))
	gen "$C" udp-send "$TO" 5300 -n 500 --rate 1000
	echo "lost=$((sent + SENT - $(tally "$READER" received)))"
}

heal() {
	HEALED=1
}
