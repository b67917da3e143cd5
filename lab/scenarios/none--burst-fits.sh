# UDP bursts that just fit into the receive buffer
CAUSE=none EXAMINE=$S SECONDS=3

fault() {
	serve READER "$S" udp-recv 5300
}

# A datagram of 100 bytes takes 768 of the buffer's 212992, of which a quarter may be given back
# late: so 200 of them fit, with little room left
traffic() {
	gen "$C" udp-send "$S4" 5300 -n 2000 --burst 200 --gap 0.2
	[ "$SENT" = "$(tally "$READER" received)" ]
}
