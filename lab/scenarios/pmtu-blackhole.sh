# A link beyond the router has a smaller MTU, and the router's ICMP is filtered: bulk data hangs
CAUSE=pmtu-blackhole TOPOLOGY=router EXAMINE=$C SECONDS=3 TO=$S4 SEVERITY=critical
VERDICT=loss-elsewhere PROBING=0

# Without offloads the router counts segments
fault() {
	serve SERVER "$S" tcp-listen 5400
	in_ns "$C" sysctl -qw net.ipv4.tcp_mtu_probing="$PROBING"
	in_ns "$C" ethtool -K "$CDEV" tso off gso off >/dev/null
	ip -n "$R" link set "$RSDEV" mtu 1300
	nft_in "$R" <<-RULES
		table inet silent {
			chain out {
				type filter hook output priority 0
				icmp type destination-unreachable counter drop
				icmpv6 type packet-too-big counter drop
			}
		}
	RULES
}

# 3.0 s after the first segment; the fifth comes after 6.2 s, when the sample has long been over
four_timeouts() {
	! in_ns "$C" ss -Htino | grep -o 'backoff:.' | grep -qv :4
}

traffic() {
	local before

	before=$(stat_of "$R" IpFragFails Ip6FragFails)
	gen "$C" tcp-connect "$TO" 5400 -n 10 --parallel 10 --bytes 20000 --time 1.5
	await 3 four_timeouts
	echo "lost=$(($(stat_of "$R" IpFragFails Ip6FragFails) - before))"
}

all_closed() {
	[ -z "$(in_ns "$C" ss -Htn)" ]
}

# Connections that hang are let go at their next timeout
heal() {
	in_ns "$R" nft flush ruleset
	await 20 all_closed
}
