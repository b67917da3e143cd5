# The router loses 3 % of a bulk transfer; the sender, examined here, only sees it in its repairs
CAUSE=tcp-fast-retransmit TOPOLOGY=router EXAMINE=$C VERDICT=loss-elsewhere SECONDS=5 TO=$S4

fault() {
	serve SERVER "$S" tcp-listen 5400
	ip -n "$C" link set "$CDEV" gso_max_segs 1 # so that one segment is lost at a time
	percent_loss "$R" forward 3 "tcp dport 5400 meta length > 500"
}

traffic() {
	gen "$C" tcp-connect "$TO" 5400 -n 4 --bytes 4000000 --time 4
}

heal() {
	in_ns "$R" nft flush ruleset
}
