# SACK is switched off at the sender, and 2 % of the segments are lost on the way
CAUSE=sack-off ALSO="tcp-fast-retransmit tcp-rto tcp-spurious-retrans" EXAMINE=$C TOPOLOGY=router
SEVERITY=warning SECONDS=5 TO=$S4

fault() {
	serve SERVER "$S" tcp-listen 5400
	in_ns "$C" sysctl -qw net.ipv4.tcp_sack=0
	ip -n "$C" link set "$CDEV" gso_max_segs 1
	percent_loss "$R" forward 2 "tcp dport 5400 meta length > 500"
}

traffic() {
	gen "$C" tcp-connect "$TO" 5400 -n 8 --parallel 8 --bytes 3000000 --time 4
}

heal() {
	in_ns "$C" sysctl -qw net.ipv4.tcp_sack=1
	in_ns "$R" nft flush ruleset
}
