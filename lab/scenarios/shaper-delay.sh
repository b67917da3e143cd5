# More is sent through a shaper than it lets out, into a queue long enough for all that waits
CAUSE=shaper-delay EXAMINE=$C SECONDS=4 SEVERITY=info VERDICT=healthy

fault() {
	serve READER "$S" udp-recv 5300
	tc -n "$C" qdisc add dev "$CDEV" root handle 1: tbf rate 1mbit burst 5000 limit 1000000
	serve SENDER "$C" udp-send "$S4" 5300 -n 100000000 --size 1000
	sleep 1
}

traffic() { sleep 2; }

heal() {
	stop "$SENDER"
	tc -n "$C" qdisc del dev "$CDEV" root
}
