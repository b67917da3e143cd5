# The router swallows all data of established connections: nothing but timeouts is left to TCP
CAUSE=tcp-rto TOPOLOGY=router EXAMINE=$C VERDICT=loss-elsewhere SECONDS=5 TO=$S4

fault() {
	serve SERVER "$S" tcp-listen 5400
	nft_in "$R" <<-RULES
		table inet loss {
			chain c {
				type filter hook forward priority 0
				tcp dport 5400 meta length > 200 counter drop
			}
		}
	RULES
}

traffic() {
	gen "$C" tcp-connect "$TO" 5400 -n 20 --bytes 1000 --time 3.5
}

all_closed() {
	[ -z "$(in_ns "$C" ss -Htn)" ]
}

# What the ended connections still had to say gets through now, at their next timeout
heal() {
	in_ns "$R" nft flush ruleset
	await 20 all_closed
}
