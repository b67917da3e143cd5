# A small send buffer behind a slow link: the program gets EAGAIN, the link itself drops nothing
CAUSE=udp-sndbuf-full EXAMINE=$C SECONDS=4 WITNESS=UdpSndbufErrors TO=$S4

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	tc -n "$C" qdisc add dev "$CDEV" root handle 1: tbf rate 1mbit burst 3000 limit 1000000
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 1000 --rate 500 --size 1000 --nonblock --sndbuf 8192
	echo "lost=$FAILED"
}

heal() {
	tc -n "$C" qdisc del dev "$CDEV" root
}
