# The conntrack table is full of flows that nobody answers: old ones are thrown out for new ones
CAUSE=conntrack-early-drop HOST=1 EXAMINE=$S SECONDS=3 VERDICT=at-risk TO=$S4
MAX=/proc/sys/net/netfilter/nf_conntrack_max BUCKETS=/proc/sys/net/netfilter/nf_conntrack_buckets

needs() {
	in_ns "$S" nft add table inet probe "{ chain c { type filter hook input priority 0; ct state new; }; }"
	[ -e $MAX ] && return
	echo "this kernel has no connection tracking"
	return 77
}

# Only eight chains are looked through for one to throw out: they must not be empty
fault() {
	SAVED=$(cat $MAX) SAVED_BUCKETS=$(cat $BUCKETS)
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	nft_in "$S" <<-RULES
		table inet filter {
			chain input {
				type filter hook input priority 0
				ct state established,new accept
			}
		}
	RULES
	echo 512 >$BUCKETS
	echo 1000 >$MAX
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 2000 --sockets 2000 --rate 1500
}

heal() {
	echo "$SAVED" >$MAX
	echo "$SAVED_BUCKETS" >$BUCKETS
}
