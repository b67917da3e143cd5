# iptables -j DROP (the nft variant) for one port
. "${BASH_SOURCE[0]%/*}/fw-rule-drop.sh"
IPTABLES=iptables-nft WITNESS=iptables.drop

needs() { needs_command $IPTABLES; }

fault() {
	serve READER "$S" udp-recv 5301 --rcvbuf 4000000
	serve OTHER "$S" udp-recv 5300 --rcvbuf 4000000
	in_ns "$S" $IPTABLES -A INPUT -p udp --dport 5301 -j DROP
}

heal() {
	in_ns "$S" $IPTABLES -F INPUT
}
