# iptables drops what one source sends above 200 a second (hashlimit, an x_tables match within nft)
. "${BASH_SOURCE[0]%/*}/fw-rule-drop--iptables.sh"
SAYS='drops udp port 5301 above 200/second each'

fault() {
	serve READER "$S" udp-recv 5301 --rcvbuf 4000000
	serve OTHER "$S" udp-recv 5300 --rcvbuf 4000000
	in_ns "$S" $IPTABLES -A INPUT -p udp --dport 5301 -m hashlimit --hashlimit-name web \
		--hashlimit-above 200/s --hashlimit-mode srcip -j DROP
}
