# The conntrack table is 60 % full: far from losing anything
CAUSE=none HOST=1 EXAMINE=$S SECONDS=3
MAX=/proc/sys/net/netfilter/nf_conntrack_max

needs() {
	in_ns "$S" nft add table inet probe "{ chain c { type filter hook input priority 0; ct state new; }; }"
	[ -e $MAX ] && return
	echo "this kernel has no connection tracking"
	return 77
}

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	nft_in "$S" <<-RULES
		table inet filter {
			chain input {
				type filter hook input priority 0
				ct state established,new accept
			}
		}
	RULES
	echo 1000 >$MAX
}

traffic() {
	gen "$C" udp-send "$S4" 5300 -n 600 --sockets 600 --rate 600
}
