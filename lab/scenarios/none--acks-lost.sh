# Every second acknowledgement is lost on the way back: those that come tell of all before them
CAUSE=none TOPOLOGY=router EXAMINE=$C SECONDS=5 TO=$S4

fault() {
	serve SERVER "$S" tcp-listen 5400
	nft_in "$R" <<-RULES
		table inet loss {
			chain c {
				type filter hook forward priority 0
				tcp sport 5400 tcp flags == ack meta length < 100 numgen inc mod 2 0 counter drop
			}
		}
	RULES
}

traffic() {
	gen "$C" tcp-connect "$TO" 5400 -n 1 --bytes 20000000 --time 4
	# Nothing was lost: then this shows nothing.
	in_ns "$R" nft list ruleset | grep -qE 'counter packets [1-9][0-9]' ||
		fail "traffic: no acknowledgement was lost, so this shows nothing"
}
