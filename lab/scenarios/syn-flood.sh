# Thousands of SYNs a second from sources that never answer: cookies hold, and it is an attack
. "${BASH_SOURCE[0]%/*}/synq-cookies.sh"
CAUSE=syn-flood SEVERITY=critical VERDICT=at-risk LOOKS=attack SYNS=12000 RATE=6000

# A filter before the listener: no SYN of the flood gets there
heal() {
	nft_in "$S" <<-RULES
		table inet guard {
			chain pre {
				type filter hook prerouting priority raw
				ip saddr 10.66.0.0/16 counter drop
				ip6 saddr 2001:db8:66::/64 counter drop
			}
		}
	RULES
}
