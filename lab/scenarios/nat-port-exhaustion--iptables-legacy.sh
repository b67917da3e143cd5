# The same with -j SNAT --to-source of the old tables
. "${BASH_SOURCE[0]%/*}/nat-port-exhaustion.sh"

needs() {
	needs_command iptables-legacy || return
	in_ns "$R" iptables-legacy -t nat -nL >/dev/null && return
	echo "this kernel has no legacy NAT table"
	return 77
}

fault() {
	serve READER "$S" udp-recv 5301 --rcvbuf 4000000
	serve OTHER "$S" udp-recv 5300
	in_ns "$R" iptables-legacy -t nat -A POSTROUTING -o "$RSDEV" -p udp --dport 5301 \
		-j SNAT --to-source $NAT:2000-2003
}

heal() {
	in_ns "$R" iptables-legacy -t nat -F
}
