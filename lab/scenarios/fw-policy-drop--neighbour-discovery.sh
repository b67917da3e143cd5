# Policy drop, and ICMPv6 forgotten: nobody finds the host any more, three questions a try
. "${BASH_SOURCE[0]%/*}/fw-policy-drop.sh"
WARM=0 SEVERITY=warning

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	nft_in "$S" <<-RULES
		table ip6 filter {
			chain input {
				type filter hook input priority 0; policy drop
				udp dport 5300 accept
			}
		}
	RULES
}

traffic() {
	gen "$C" udp-send "$S6" 5300 -n 20 --rate 10
}

heal() {
	in_ns "$S" nft flush ruleset
	ip -n "$C" neigh flush dev "$CDEV"
}
