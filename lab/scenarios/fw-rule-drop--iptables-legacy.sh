# iptables-legacy -j DROP in a chain of its own: the old tables, which nft does not show
. "${BASH_SOURCE[0]%/*}/fw-rule-drop--iptables.sh"
IPTABLES=iptables-legacy SAYS='-A services -p udp -m udp --dport 5301 -j DROP'

needs() {
	needs_command $IPTABLES || return
	in_ns "$S" $IPTABLES -nL >/dev/null && return
	echo "this kernel has no legacy tables"
	return 77
}

fault() {
	serve READER "$S" udp-recv 5301 --rcvbuf 4000000
	serve OTHER "$S" udp-recv 5300 --rcvbuf 4000000
	in_ns "$S" $IPTABLES -N services
	in_ns "$S" $IPTABLES -A services -p udp --dport 5301 -j DROP
	in_ns "$S" $IPTABLES -A INPUT -j services
}
