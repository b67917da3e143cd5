# The other end of a veth pair is down: all is lost, and it is no queue that is full
. "${BASH_SOURCE[0]%/*}/veth-mtu-or-down.sh"

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	ip -n "$S" link set "$SDEV" down
}

heal() {
	ip -n "$S" link set "$SDEV" up
	ip -n "$S" neigh replace "$C4" lladdr "$CMAC" dev "$SDEV" nud permanent
	await 5 lab_is_up "$S"
}
