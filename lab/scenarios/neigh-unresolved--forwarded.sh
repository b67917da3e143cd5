# A router looks in vain for an IPv6 host; another one failed before, and nobody wants it now
. "${BASH_SOURCE[0]%/*}/neigh-unresolved.sh"
TOPOLOGY=router EXAMINE=$R DEAD=2001:db8:2::99 OLD=2001:db8:2::50

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	gen "$C" udp-send "$OLD" 5300 -n 1
	await 5 neigh_is_decided "$R" "$OLD"
}

heal() {
	ip -n "$S" addr add "$DEAD"/64 dev "$SDEV" nodad
	ip -n "$R" neigh replace "$DEAD" lladdr "$SMAC" dev "$RSDEV" nud permanent
}
