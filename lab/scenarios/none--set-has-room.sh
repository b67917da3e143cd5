# Rules fill a set to two thirds, and another is full of what the administrator wrote into it
. "${BASH_SOURCE[0]%/*}/nflog-set-full.sh"
CAUSE=none VERDICT="" SEVERITY=""

fault() {
	nft_in "$S" <<-RULES
		table inet filter {
			set seen {
				type inet_service
				size 150
				flags dynamic
			}
			set known {
				type inet_service
				size 2
				elements = { 5300, 5301 }
			}
			chain input {
				type filter hook input priority 0
				udp dport @known add @seen { udp sport } accept
			}
		}
	RULES
	serve READER "$S" udp-recv 5300
}
