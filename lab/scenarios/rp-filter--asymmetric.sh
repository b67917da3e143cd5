# Asymmetric routing: the answer would leave by another device, so strict filtering drops
. "${BASH_SOURCE[0]%/*}/rp-filter.sh"

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	ip -n "$S" link add other0 type veth peer name other1
	ip -n "$S" link set other0 up
	ip -n "$S" link set other1 up
	ip -n "$S" route add 10.55.0.0/16 dev other0
	in_ns "$S" sysctl -qw net.ipv4.conf."$SDEV".rp_filter=1
}

heal() {
	in_ns "$S" sysctl -qw net.ipv4.conf."$SDEV".rp_filter=2
}
