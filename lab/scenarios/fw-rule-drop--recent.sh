# Legacy iptables drops sources that sent more than 19 packets in the last minute (xt_recent)
. "${BASH_SOURCE[0]%/*}/fw-rule-drop--iptables-legacy.sh"
SAYS='20 packets in 60 s from one address'

fault() {
	serve READER "$S" udp-recv 5301 --rcvbuf 4000000
	serve OTHER "$S" udp-recv 5300 --rcvbuf 4000000
	in_ns "$S" $IPTABLES -A INPUT -p udp --dport 5301 -m recent --name lab --update --seconds 60 --hitcount 20 -j DROP
	in_ns "$S" $IPTABLES -A INPUT -p udp --dport 5301 -m recent --name lab --set
}
