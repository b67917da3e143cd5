# iptables-legacy -j REJECT --reject-with icmp-host-prohibited: "No route to host"
. "${BASH_SOURCE[0]%/*}/fw-reject.sh"

needs() {
	needs_command iptables-legacy || return
	in_ns "$S" iptables-legacy -L >/dev/null 2>&1 && return
	echo "this kernel has no legacy tables"
	return 77
}

fault() {
	serve READER "$S" udp-recv 5301 --rcvbuf 4000000
	serve OTHER "$S" udp-recv 5300 --rcvbuf 4000000
	in_ns "$S" iptables-legacy -A INPUT -p udp --dport 5301 -j REJECT --reject-with icmp-host-prohibited
}

heal() {
	in_ns "$S" iptables-legacy -F INPUT
}
