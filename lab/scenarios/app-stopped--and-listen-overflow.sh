# Two faults of two programs: a reader of datagrams is stopped, another program does not accept
. "${BASH_SOURCE[0]%/*}/app-stopped.sh"
BOTH="app-stopped listen-overflow"

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 65536
	kill -STOP "$READER"
	serve SERVER "$S" tcp-listen 5400 --backlog 8 --no-accept
}

traffic() {
	local unit

	gen "$C" tcp-connect "$S4" 5400 -n 60 --rate 500 --hold 1 --time 1.5
	gen "$C" udp-send "$TO" 5300 -n 1
	unit=$(skmem "$S" 5300 r)
	gen "$C" udp-send "$TO" 5300 -n 4000 --rate 2000
	[ "$unit" = 0 ] || echo "lost=$((SENT + 1 - $(queued "$S" 5300 "$unit")))"
}

heal() {
	kill -CONT "$READER"
	tally "$READER" received
	stop "$SERVER"
	serve SERVER "$S" tcp-listen 5400 --backlog 1024
}
