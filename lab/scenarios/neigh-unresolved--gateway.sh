# The default gateway is dead: what is sent to any network behind it is dropped
. "${BASH_SOURCE[0]%/*}/neigh-unresolved.sh"

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	ip -n "$C" route add default via "$DEAD"
	ip -n "$S" addr add 203.0.113.5/32 dev lo
}

traffic() {
	gen "$C" udp-send 203.0.113.5 5300 -n 200 --rate 400
	await 4 neigh_is_decided "$EXAMINE" "$DEAD" || return
	echo "lost=$SENT"
}
