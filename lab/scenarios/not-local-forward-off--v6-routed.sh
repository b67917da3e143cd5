# Over IPv6 with a default route: it would know where to send them, and does not forward
. "${BASH_SOURCE[0]%/*}/not-local-forward-off.sh"
FROM=$C6 TO=2001:db8:99::9 WITNESS=Ip6InAddrErrors

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	ip -n "$S" route add default via "$C6"
}
