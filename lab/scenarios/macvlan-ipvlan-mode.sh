# Two private ipvlans of one device: what one sends to the other is dropped
CAUSE=macvlan-ipvlan-mode EXAMINE=$C SECONDS=3 SEVERITY=warning

needs() {
	ip -n "$S" link add link "$SDEV" name probe type ipvlan mode l2 private &&
		ip -n "$S" link del probe && return
	echo "this kernel has no ipvlan"
	return 77
}

# One for the client, one stays with the server; all have the address of the device below
fault() {
	ip -n "$S" link add link "$SDEV" name ipv1 type ipvlan mode l2 private
	ip -n "$S" link add link "$SDEV" name ipv0 netns "$C" type ipvlan mode l2 private
	ip -n "$S" addr add 198.18.5.2/24 dev ipv1
	ip -n "$C" addr add 198.18.5.1/24 dev ipv0
	ip -n "$S" link set ipv1 up
	ip -n "$C" link set ipv0 up
	ip -n "$C" neigh replace 198.18.5.2 lladdr "$SMAC" dev ipv0 nud permanent
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
}

traffic() {
	gen "$C" udp-send 198.18.5.2 5300 -n 1000 --rate 1000
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	ip -n "$C" link set ipv0 type ipvlan bridge
}
