# A token bucket with a short queue: UDP comes faster than it lets through
CAUSE=qdisc-drop EXAMINE=$C SECONDS=4 WITNESS=tc.eth0.tbf.1: TO=$S4

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 2000000
	tc -n "$C" qdisc add dev "$CDEV" root handle 1: tbf rate 4mbit burst 5000 limit 20000
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 2000 --rate 1000 --size 1000
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	tc -n "$C" qdisc del dev "$CDEV" root
}
