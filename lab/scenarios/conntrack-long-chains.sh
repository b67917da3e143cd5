# 512 hash buckets for more flows than their chains may hold: first packets are dropped
CAUSE=conntrack-long-chains HOST=1 EXAMINE=$S SECONDS=4 TO=$S4 FROM=10.55.0.1
MAX=/proc/sys/net/netfilter/nf_conntrack_max BUCKETS=/proc/sys/net/netfilter/nf_conntrack_buckets

needs() {
	in_ns "$S" nft add table inet probe "{ chain c { type filter hook input priority 0; ct state new; }; }"
	[ -e $MAX ] && return
	echo "this kernel has no connection tracking"
	return 77
}

fault() {
	SAVED=$(cat $MAX) SAVED_BUCKETS=$(cat $BUCKETS)
	serve READER "$S" udp-recv 5300 --rcvbuf 16000000
	nft_in "$S" <<-RULES
		table inet filter {
			chain input {
				type filter hook input priority 0
				ct state established,new accept
			}
		}
	RULES
	echo 512 >$BUCKETS
	echo 65536 >$MAX
}

traffic() {
	gen "$C" raw "$CDEV" --udp --from "$FROM" --to "$TO" --to-port 5300 --dmac "$SMAC" \
		--smac "$CMAC" -n 18000 --rate 9000 --source-ports 20000
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

# What the first run left in the table goes with the rules
heal() {
	echo "$SAVED" >$MAX
	echo "$SAVED_BUCKETS" >$BUCKETS
	in_ns "$S" conntrack -F
}
