# A stopped process with an open socket to which nothing comes
CAUSE=none EXAMINE=$S SECONDS=3

fault() {
	serve READER "$S" udp-recv 5300
	serve OTHER "$S" udp-recv 5301
	kill -STOP "$READER"
}

traffic() {
	gen "$C" udp-send "$S4" 5301 -n 1000 --rate 1000
}
