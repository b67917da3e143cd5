# The same over IPv6; the sender offers it, the receiver does not
. "${BASH_SOURCE[0]%/*}/sack-off.sh"
TO=$S6

fault() {
	serve SERVER "$S" tcp-listen 5400
	in_ns "$S" sysctl -qw net.ipv4.tcp_sack=0
	ip -n "$C" link set "$CDEV" gso_max_segs 1
	percent_loss "$R" forward 2 "tcp dport 5400 meta length > 500"
}

heal() {
	in_ns "$S" sysctl -qw net.ipv4.tcp_sack=1
	in_ns "$R" nft flush ruleset
}
