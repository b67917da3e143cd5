# A router on the way lets only first fragments pass: the others have no ports
CAUSE=frag-reasm-timeout TOPOLOGY=router EXAMINE=$S SECONDS=6 TO=$S4 WITNESS=IpReasmTimeout
SEVERITY=warning LATER="ip frag-off & 0x1fff != 0"

fault() {
	serve READER "$S" udp-recv 5300
	in_ns "$S" sysctl -qw net.ipv4.ipfrag_time=1 net.ipv6.ip6frag_time=1
	nft_in "$R" <<-RULES
		table inet loss {
			chain c {
				type filter hook forward priority 0
				$LATER counter drop
			}
		}
	RULES
}

nothing_waits() {
	! in_ns "$S" cat /proc/net/sockstat /proc/net/sockstat6 | grep -q 'FRAG6\?: inuse [1-9]'
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 300 --size 4000 --rate 200
	await 10 nothing_waits
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	in_ns "$R" nft flush ruleset
}
