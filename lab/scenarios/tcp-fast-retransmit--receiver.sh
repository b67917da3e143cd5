# The receiving host's firewall loses 3 % of what comes; seen from the sender, it is elsewhere
. "${BASH_SOURCE[0]%/*}/tcp-fast-retransmit.sh"
TOPOLOGY=pair

fault() {
	serve SERVER "$S" tcp-listen 5400
	ip -n "$C" link set "$CDEV" gso_max_segs 1
	percent_loss "$S" input 3 "tcp dport 5400 meta length > 500"
}

heal() {
	in_ns "$S" nft flush ruleset
}
