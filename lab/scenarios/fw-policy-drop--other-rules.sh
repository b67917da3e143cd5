# Policy drop, in a chain whose drop rules are all for other ports and match nothing
. "${BASH_SOURCE[0]%/*}/fw-policy-drop.sh"

fault() {
	serve READER "$S" udp-recv 5301 --rcvbuf 4000000
	serve OTHER "$S" udp-recv 5300 --rcvbuf 4000000
	nft_in "$S" <<-RULES
		table ip filter {
			chain input {
				type filter hook input priority 0; policy drop
				tcp dport 22 accept
				udp dport { 53, 123 } counter drop
				udp dport 5300 accept
				ip saddr 203.0.113.0/24 counter drop
			}
		}
	RULES
}

heal() {
	in_ns "$S" nft insert rule ip filter input udp dport 5301 accept
}
