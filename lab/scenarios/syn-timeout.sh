# The router swallows the SYNs of four connects: nobody answers, nobody refuses
CAUSE=syn-timeout TOPOLOGY=router EXAMINE=$C VERDICT=loss-elsewhere SEVERITY=warning SECONDS=5 TO=$S4
SAYS='get no answer'

fault() {
	serve SERVER "$S" tcp-listen 5400
	nft_in "$R" <<-RULES
		table inet loss {
			chain c {
				type filter hook forward priority 0
				tcp dport 5400 counter drop
			}
		}
	RULES
}

traffic() {
	local before

	before=$(stat_of "$C" TcpExtTCPSynRetrans)
	gen "$C" tcp-connect "$TO" 5400 -n 6 --hold 4.4 --time 4.4
	echo "lost=$(($(stat_of "$C" TcpExtTCPSynRetrans) - before))"
}

heal() {
	in_ns "$R" nft flush ruleset
}
