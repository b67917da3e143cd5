# The router says what fits, and this host's own firewall drops that
. "${BASH_SOURCE[0]%/*}/pmtu-blackhole.sh"
CAUSE=fw-rule-drop BOTH="pmtu-blackhole fw-rule-drop" VERDICT=losing

fault() {
	serve SERVER "$S" tcp-listen 5400
	in_ns "$C" ethtool -K "$CDEV" tso off gso off >/dev/null
	ip -n "$R" link set "$RSDEV" mtu 1300
	nft_in "$C" <<-RULES
		table inet silent {
			chain in {
				type filter hook input priority 0
				meta l4proto { icmp, icmpv6 } counter drop
			}
		}
	RULES
}

heal() {
	in_ns "$C" nft flush ruleset
	await 20 all_closed
}
