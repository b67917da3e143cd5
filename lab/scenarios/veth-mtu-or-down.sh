# The other end of a veth pair has a smaller MTU: larger datagrams vanish, without an error
CAUSE=veth-mtu-or-down EXAMINE=$C SECONDS=3 TO=$S4 MTU=1300

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	ip -n "$S" link set "$SDEV" mtu "$MTU"
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 500 --rate 1000
	gen "$C" udp-send "$TO" 5300 -n 1000 --rate 1000 --size 1400
	echo "lost=$((1500 - $(tally "$READER" received)))"
}

heal() {
	ip -n "$S" link set "$SDEV" mtu 1500
}
