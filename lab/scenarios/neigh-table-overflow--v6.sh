# The same with the table of IPv6 neighbours
. "${BASH_SOURCE[0]%/*}/neigh-table-overflow.sh" # HOST=1
TO=2001:db8:9:: THRESH=/proc/sys/net/ipv6/neigh/default

hosts() {
	for ((i = 1; i <= 300; i++)); do
		echo "addr add 2001:db8:9::$i/64 dev $SDEV nodad"
	done | ip -n "$S" -batch -
	ip -n "$C" addr add 2001:db8:9::ffff/64 dev "$CDEV" nodad
}
