# The conntrack table holds 200 flows, and a thousand come: the packets of the others are dropped
CAUSE=conntrack-table-full HOST=1 EXAMINE=$S SECONDS=3 WITNESS=conntrack.drop TO=$S4
MAX=/proc/sys/net/netfilter/nf_conntrack_max

needs() {
	in_ns "$S" nft add table inet probe "{ chain c { type filter hook input priority 0; ct state new; }; }"
	[ -e $MAX ] && return
	echo "this kernel has no connection tracking"
	return 77
}

fault() {
	SAVED=$(cat $MAX)
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	nft_in "$S" <<-RULES
		table inet filter {
			chain input {
				type filter hook input priority 0
				ct state established,new accept
			}
		}
	RULES
	echo 200 >$MAX
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 1000 --sockets 1000 --rate 1000
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	echo "$SAVED" >$MAX
}
