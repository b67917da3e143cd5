# Datagrams for an IPv6 neighbour that does not exist
. "${BASH_SOURCE[0]%/*}/neigh-unresolved.sh"
DEAD=2001:db8:1::99

heal() {
	ip -n "$S" addr add "$DEAD" dev "$SDEV" nodad
	ip -n "$C" neigh replace "$DEAD" lladdr "$SMAC" dev "$CDEV" nud permanent
}
