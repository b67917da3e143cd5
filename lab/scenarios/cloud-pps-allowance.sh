# The next hop lets 1,000 packets a second pass, as a provider does; the sender was told so
CAUSE=cloud-pps-allowance TOPOLOGY=router EXAMINE=$C VERDICT=loss-elsewhere SECONDS=5 TO=$S4
STATED="--limit bandwidth@$CDEV=1Gbit --limit packets-tx@$CDEV=1kpps"

fault() {
	serve SERVER "$S" tcp-listen 5400
	ip -n "$C" link set "$CDEV" gso_max_segs 1
	nft_in "$R" <<-RULES
		table inet provider {
			chain c {
				type filter hook forward priority 0
				tcp dport 5400 limit rate over 1000/second burst 100 packets counter drop
			}
		}
	RULES
}

traffic() {
	gen "$C" tcp-connect "$TO" 5400 -n 3 --bytes 1000000 --time 4
}

heal() {
	in_ns "$R" nft flush ruleset
}
