# The other end of a link goes down and comes back between two bursts: nothing is lost by it
. "${BASH_SOURCE[0]%/*}/link-flap.sh"
CAUSE=none

flap() {
	ip -n "$S" link set "$SDEV" down
	sleep 0.3
	ip -n "$S" link set "$SDEV" up
	ip -n "$S" neigh replace "$C4" lladdr "$CMAC" dev "$SDEV" nud permanent
	await 5 lab_is_up "$S"
	await 5 lab_is_up "$C"
	SENT=0
}
