# Thousands of SYNs a second from sources that never answer: cookies hold, and it is an attack
CAUSE=syn-flood EXAMINE=$S SECONDS=4 SEVERITY=critical VERDICT=at-risk LOOKS=attack
FROM=10.66.0.1 TO=$S4

fault() {
	in_ns "$S" sysctl -qw net.ipv4.tcp_syncookies=1
	ip -n "$S" route add 10.66.0.0/16 via "$C4"
	ip -n "$S" route add 2001:db8:66::/64 via "$C6"
	serve SERVER "$S" tcp-listen 5400 --backlog 64
}

traffic() {
	gen "$C" raw "$CDEV" --tcp S --from "$FROM" --to "$TO" --to-port 5400 --dmac "$SMAC" \
		--smac "$CMAC" -n 12000 --rate 6000 --sources 12000
}

# A filter before the listener: no SYN of the flood gets there
heal() {
	nft_in "$S" <<-RULES
		table inet guard {
			chain pre {
				type filter hook prerouting priority raw
				ip saddr 10.66.0.0/16 counter drop
				ip6 saddr 2001:db8:66::/64 counter drop
			}
		}
	RULES
}
