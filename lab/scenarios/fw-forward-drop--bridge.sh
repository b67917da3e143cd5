# A bridge between client and server; a rule of the bridge family drops one UDP port
. "${BASH_SOURCE[0]%/*}/br-netfilter-drop.sh"
CAUSE=fw-forward-drop

needs() {
	ip -n "$R" link add probe type bridge && ip -n "$R" link del probe &&
		in_ns "$R" nft add table bridge probe && return
	echo "this kernel has no bridge, or no nft for it"
	return 77
}

fault() {
	bridge_the_ends
	nft_in "$R" <<-RULES
		table bridge filter {
			chain forward {
				type filter hook forward priority 0
				ether type ip udp dport 5301 drop
			}
		}
	RULES
}

heal() {
	in_ns "$R" nft flush ruleset
}
