# iptables -P FORWARD DROP, as Docker sets it: what is not accepted in DOCKER-USER does not pass
. "${BASH_SOURCE[0]%/*}/fw-forward-drop.sh"
IPTABLES=iptables-nft WITNESS=iptables.drop

needs() { needs_command $IPTABLES; }

fault() {
	serve READER "$S" udp-recv 5301 --rcvbuf 4000000
	serve OTHER "$S" udp-recv 5300 --rcvbuf 4000000
	in_ns "$R" $IPTABLES -N DOCKER-USER
	in_ns "$R" $IPTABLES -A FORWARD -j DOCKER-USER
	in_ns "$R" $IPTABLES -A DOCKER-USER -p udp --dport 5300 -j ACCEPT
	in_ns "$R" $IPTABLES -P FORWARD DROP
}

heal() {
	in_ns "$R" $IPTABLES -I DOCKER-USER -p udp --dport 5301 -j ACCEPT
}
