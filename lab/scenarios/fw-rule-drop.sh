# An nft rule with a counter drops one UDP port; another port is served as before
CAUSE=fw-rule-drop EXAMINE=$S SECONDS=3 WITNESS=nft.drop TO=$S4 FIX_OPTIONS="--for 1m"

rules() {
	cat <<-RULES
		table inet filter {
			chain input {
				type filter hook input priority 0
				udp dport 5301 counter drop
			}
		}
	RULES
}

fault() {
	serve READER "$S" udp-recv 5301 --rcvbuf 4000000
	serve OTHER "$S" udp-recv 5300 --rcvbuf 4000000
	rules | nft_in "$S"
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 500 --rate 1000
	gen "$C" udp-send "$TO" 5301 -n 1000 --rate 1000
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	in_ns "$S" nft flush ruleset
}
