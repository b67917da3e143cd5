# iptables -P INPUT DROP (the nft variant), with an accepted port besides
. "${BASH_SOURCE[0]%/*}/fw-policy-drop.sh"
IPTABLES=iptables-nft WITNESS=iptables.drop

needs() { needs_command $IPTABLES; }

fault() {
	serve READER "$S" udp-recv 5301 --rcvbuf 4000000
	serve OTHER "$S" udp-recv 5300 --rcvbuf 4000000
	in_ns "$S" $IPTABLES -A INPUT -p udp --dport 5300 -j ACCEPT
	in_ns "$S" $IPTABLES -P INPUT DROP
}

heal() {
	in_ns "$S" $IPTABLES -P INPUT ACCEPT
}
