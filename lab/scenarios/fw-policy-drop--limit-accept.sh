# iptables accepts 200 a second by -m limit, and the policy drops the rest
. "${BASH_SOURCE[0]%/*}/fw-policy-drop--iptables.sh"
SAYS='above 200/second'

fault() {
	serve READER "$S" udp-recv 5301 --rcvbuf 4000000
	serve OTHER "$S" udp-recv 5300 --rcvbuf 4000000
	in_ns "$S" $IPTABLES -A INPUT -p udp --dport 5300 -j ACCEPT
	in_ns "$S" $IPTABLES -A INPUT -p udp --dport 5301 -m limit --limit 200/s -j ACCEPT
	in_ns "$S" $IPTABLES -P INPUT DROP
}
