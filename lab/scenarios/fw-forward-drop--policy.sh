# A router: the forward policy drops what an earlier chain of the same hook had accepted
. "${BASH_SOURCE[0]%/*}/fw-forward-drop.sh"
WITNESS='' TO=$S6

fault() {
	serve READER "$S" udp-recv 5301 --rcvbuf 4000000
	serve OTHER "$S" udp-recv 5300 --rcvbuf 4000000
	nft_in "$R" <<-RULES
		table inet first {
			chain forward {
				type filter hook forward priority -10; policy drop
				udp dport { 5300, 5301 } counter accept
			}
		}
		table inet filter {
			chain input {
				type filter hook input priority 0; policy drop
				meta l4proto icmpv6 accept
			}
			chain forward {
				type filter hook forward priority 0; policy drop
				udp dport 5300 accept
			}
		}
	RULES
}
