# A burst too large for the default buffer (rmem_default), not one the program asked for
. "${BASH_SOURCE[0]%/*}/udp-rcvbuf-full.sh"
HOST=1 # for its remedy, which is host-wide

fault() {
	serve READER "$S" udp-recv 5300 --every 0.02
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 12000 --size 1000 --burst 3000 --gap 0.4
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

# The new default is for new sockets
remedied() {
	stop "$READER"
	serve READER "$S" udp-recv 5300 --every 0.02
}

heal() {
	stop "$READER"
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
}
