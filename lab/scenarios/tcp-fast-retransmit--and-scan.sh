# The network loses segments, and meanwhile the own firewall drops a scan of closed ports
. "${BASH_SOURCE[0]%/*}/tcp-fast-retransmit.sh"
ALSO=fw-rule-drop VERDICT='' CAUSE=fw-rule-drop BOTH=tcp-fast-retransmit

fault() {
	serve SERVER "$S" tcp-listen 5400
	ip -n "$C" link set "$CDEV" gso_max_segs 1
	percent_loss "$R" forward 3 "tcp dport 5400 meta length > 500"
	nft_in "$C" <<-RULES
		table inet filter {
			chain input {
				type filter hook input priority 0
				tcp dport 1-2000 counter drop
			}
		}
	RULES
}

traffic() {
	gen "$S" tcp-connect "$C4" 1 -n 1500 --ports 1500 --time 0.5
	gen "$C" tcp-connect "$TO" 5400 -n 4 --bytes 4000000 --time 3.5
}

heal() {
	in_ns "$R" nft flush ruleset
	in_ns "$C" nft flush ruleset
}
