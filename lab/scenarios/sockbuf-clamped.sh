# A program asks for a buffer of 4 MB and is given the 16 KB that rmem_max allows
CAUSE=sockbuf-clamped VIA=udp-rcvbuf-full EXAMINE=$S SECONDS=4 WITNESS=UdpRcvbufErrors TO=$S4 HOST=1

fault() {
	sysctl -qw net.core.rmem_max=16384
	serve READER "$S" udp-recv 5300 --ask-rcvbuf 4000000 --every 0.02
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 3000 --size 500 --burst 150 --gap 0.15
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

# The new limit is for those who ask again
remedied() {
	stop "$READER"
	serve READER "$S" udp-recv 5300 --ask-rcvbuf 4000000 --every 0.02
}

heal() {
	sysctl -qw net.core.rmem_max=4000000
	stop "$READER"
	serve READER "$S" udp-recv 5300 --ask-rcvbuf 4000000 --every 0.02
}
