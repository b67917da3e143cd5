# SYNs from sources that never answer fill a listener's SYN queue, and SYN cookies are off
CAUSE=synq-full-drop EXAMINE=$S SECONDS=3 WITNESS=TcpExtTCPReqQFullDrop PEAK=100
FROM=10.66.0.1 TO=$S4

fault() {
	in_ns "$S" sysctl -qw net.ipv4.tcp_syncookies=0 net.ipv4.tcp_max_syn_backlog=4096
	ip -n "$S" route add 10.66.0.0/16 via "$C4"
	ip -n "$S" route add 2001:db8:66::/64 via "$C6"
	serve SERVER "$S" tcp-listen 5400 --backlog 64
}

# What is in the SYN queue was not dropped, all else was
traffic() {
	gen "$C" raw "$CDEV" --tcp S --from "$FROM" --to "$TO" --to-port 5400 --dmac "$SMAC" \
		--smac "$CMAC" -n 800 --rate 2000 --sources 800
	echo "lost=$((SENT - $(in_ns "$S" ss -Htan state syn-recv | wc -l)))"
}

heal() {
	stop "$SERVER"
	serve SERVER "$S" tcp-listen 5400 --backlog 4096
}
