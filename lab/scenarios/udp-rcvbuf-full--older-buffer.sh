# The default was raised after the program had started: its socket is as small as before
. "${BASH_SOURCE[0]%/*}/udp-rcvbuf-full.sh"
HOST=1

fault() {
	serve READER "$S" udp-recv 5300 --every 0.02
	sysctl -qw net.core.rmem_default=8000000
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 12000 --size 1000 --burst 3000 --gap 0.4
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	stop "$READER"
	serve READER "$S" udp-recv 5300 --every 0.02
}
