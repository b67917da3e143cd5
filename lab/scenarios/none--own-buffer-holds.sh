# A program made its buffers small itself, and they hold what comes
CAUSE=none EXAMINE=$S SECONDS=4

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 16384 --every 0.02
}

traffic() {
	gen "$C" udp-send "$S4" 5300 -n 400 --size 500 --burst 10 --gap 0.08
	gen "$C" udp-send "$S6" 5300 -n 10 --size 500 --burst 10 --gap 0.08
}
