# The next hop knows 40 sessions, as a provider's table does: those beyond get no answer
CAUSE=cloud-conntrack-allowance TOPOLOGY=router EXAMINE=$C VERDICT=loss-elsewhere SECONDS=5 TO=$S4
STATED="--limit connections=40"

fault() {
	serve SERVER "$S" tcp-listen 5400 --backlog 200
	nft_in "$R" <<-RULES
		table inet provider {
			set sessions {
				type inet_service
				size 40
				flags dynamic
			}
			chain c {
				type filter hook forward priority 0
				tcp dport 5400 tcp flags & (syn | ack) == syn add @sessions { tcp sport } accept
				tcp dport 5400 tcp flags & (syn | ack) == syn counter drop
			}
		}
	RULES
}

traffic() {
	gen "$C" tcp-connect "$TO" 5400 -n 100 --hold 3 --time 4 --farewell 2
}

heal() {
	in_ns "$R" nft flush ruleset
}
