# Datagrams to 127.0.0.1 from outside, as address translation makes them; route_localnet lets them in
. "${BASH_SOURCE[0]%/*}/martian.sh"
FROM=$C4 TO=127.0.0.1

heal() {
	in_ns "$S" sysctl -qw "net.ipv4.conf.$SDEV.route_localnet=1"
}
