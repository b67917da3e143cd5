# Bursts larger than the receive buffer, to a program that looks for datagrams every 20 ms: it keeps
# up between the bursts, and does not run beside them on another CPU
CAUSE=udp-rcvbuf-full EXAMINE=$S SECONDS=4 WITNESS=UdpRcvbufErrors TO=$S4

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 8192 --every 0.02
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 3000 --size 500 --burst 300 --gap 0.2
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	stop "$READER"
	serve READER "$S" udp-recv 5300 --rcvbuf 2000000
}
