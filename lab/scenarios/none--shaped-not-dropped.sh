# A shaper that delays (overlimits, a backlog) but whose queue holds all of it
CAUSE=none EXAMINE=$C SECONDS=4

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	tc -n "$C" qdisc add dev "$CDEV" root handle 1: tbf rate 20mbit burst 5000 limit 1000000
}

traffic() {
	gen "$C" udp-send "$S4" 5300 -n 500 --size 1000 --burst 100 --gap 0.3
}
