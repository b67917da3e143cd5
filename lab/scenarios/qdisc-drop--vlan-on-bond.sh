# A shaper on a VLAN device above a bond: what it drops is told once, and not of those below
CAUSE=qdisc-drop EXAMINE=$S SECONDS=3

needs() {
	needs_bond && ip -n "$S" link add link "$SDEV" name probe type vlan id 9 &&
		ip -n "$S" link del probe && return
	echo "this kernel has no VLAN devices"
	return 77
}

fault() {
	bond_server
	ip -n "$S" link add link bond0 name bond0.5 type vlan id 5
	ip -n "$C" link add link "$CDEV" name vlan5 type vlan id 5
	ip -n "$S" addr add 198.18.5.2/24 dev bond0.5
	ip -n "$C" addr add 198.18.5.1/24 dev vlan5
	ip -n "$S" link set bond0.5 up
	ip -n "$C" link set vlan5 up
	ip -n "$S" neigh replace 198.18.5.1 lladdr "$CMAC" dev bond0.5 nud permanent
	serve READER "$C" udp-recv 5300 --rcvbuf 4000000
	in_ns "$S" tc qdisc add dev bond0.5 root tbf rate 800kbit burst 5000 limit 10000
}

traffic() {
	gen "$S" udp-send 198.18.5.1 5300 -n 1000 --rate 1000 --size 400
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	in_ns "$S" tc qdisc del dev bond0.5 root
}
