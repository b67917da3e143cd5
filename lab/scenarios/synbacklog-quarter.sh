# SYN cookies are off, and sources that never answer use up all but the last quarter of
# tcp_max_syn_backlog: further SYNs are dropped although the listener's own queue is far from full
CAUSE=synbacklog-quarter EXAMINE=$S SECONDS=3 WITNESS=TcpExtListenDrops
FROM=10.66.0.1 TO=$S4

fault() {
	in_ns "$S" sysctl -qw net.ipv4.tcp_syncookies=0 net.ipv4.tcp_max_syn_backlog=128
	ip -n "$S" route add 10.66.0.0/16 via "$C4"
	ip -n "$S" route add 2001:db8:66::/64 via "$C6"
	serve SERVER "$S" tcp-listen 5400 --backlog 4096
}

# What is half open was not dropped, all else was
traffic() {
	local before

	before=$(in_ns "$S" ss -Htan state syn-recv | wc -l)
	gen "$C" raw "$CDEV" --tcp S --from "$FROM" --to "$TO" --to-port 5400 --dmac "$SMAC" \
		--smac "$CMAC" -n 300 --rate 1000 --sources 300
	echo "lost=$((SENT - $(in_ns "$S" ss -Htan state syn-recv | wc -l) + before))"
}

heal() {
	in_ns "$S" sysctl -qw net.ipv4.tcp_max_syn_backlog=4096
}
