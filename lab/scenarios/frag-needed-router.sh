# Datagrams that must not be cut, for a link with a smaller MTU, from a program that heeds no ICMP
CAUSE=frag-needed-router TOPOLOGY=router EXAMINE=$R SECONDS=3 TO=$S4 WITNESS=IpFragFails

fault() {
	serve READER "$S" udp-recv 5300
	ip -n "$R" link set "$RSDEV" mtu 1300
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 1000 --size 1400 --rate 1000 --mtu-discover 3
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	ip -n "$R" link set "$RSDEV" mtu 1500
}
