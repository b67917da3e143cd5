# The router swallows the SYN-ACKs: clients send their SYNs again, and nobody completes a handshake
CAUSE=synack-retrans TOPOLOGY=router EXAMINE=$S VERDICT=loss-elsewhere SEVERITY=warning SECONDS=5 TO=$S4
LOOKS=unclear

fault() {
	serve SERVER "$S" tcp-listen 5400 --backlog 64
	nft_in "$R" <<-RULES
		table inet loss {
			chain c {
				type filter hook forward priority 0
				tcp sport 5400 counter drop
			}
		}
	RULES
}

traffic() {
	gen "$C" tcp-connect "$TO" 5400 -n 6 --hold 4.6 --time 4.6
}

no_half_open() {
	[ -z "$(in_ns "$S" ss -Htn state syn-recv)" ]
}

heal() {
	in_ns "$R" nft flush ruleset
	await 12 no_half_open
}
