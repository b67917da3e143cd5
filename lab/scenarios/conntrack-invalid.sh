# Segments of no known connection meet `ct state invalid drop`
CAUSE=conntrack-invalid EXAMINE=$S SECONDS=3 WITNESS=nft.drop TO=$S4 FROM=$C4

fault() {
	nft_in "$S" <<-RULES
		table inet filter {
			chain input {
				type filter hook input priority 0
				ct state invalid counter drop
			}
		}
	RULES
	# Only now: the rule brings nf_conntrack in, and with it its settings.
	in_ns "$S" sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0
}

traffic() {
	gen "$C" raw "$CDEV" --tcp A --from "$FROM" --to "$TO" --to-port 5300 --dmac "$SMAC" \
		--smac "$CMAC" -n 1000 --rate 1000 --source-ports 50
	echo "lost=$SENT"
}

heal() {
	in_ns "$S" nft flush ruleset
}
