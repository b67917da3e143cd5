# Bursts overflow a small buffer, and only when that is over the reader is stopped
. "${BASH_SOURCE[0]%/*}/udp-rcvbuf-full.sh"
SECONDS=5

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 1500 --size 500 --burst 300 --gap 0.2
	echo "lost=$((SENT - $(tally "$READER" received)))"
	kill -STOP "$READER"
	sleep 2.5
	kill -CONT "$READER"
}
