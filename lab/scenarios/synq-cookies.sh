# A listener's SYN queue is filled by sources that never answer, and cookies stand in for it
CAUSE=synq-cookies EXAMINE=$S SECONDS=4 SEVERITY=info VERDICT=healthy
FROM=10.66.0.1 TO=$S4 SYNS=800 RATE=1000

fault() {
	in_ns "$S" sysctl -qw net.ipv4.tcp_syncookies=1
	ip -n "$S" route add 10.66.0.0/16 via "$C4"
	ip -n "$S" route add 2001:db8:66::/64 via "$C6"
	serve SERVER "$S" tcp-listen 5400 --backlog 64
}

traffic() {
	gen "$C" raw "$CDEV" --tcp S --from "$FROM" --to "$TO" --to-port 5400 --dmac "$SMAC" \
		--smac "$CMAC" -n "$SYNS" --rate "$RATE" --sources "$SYNS"
}

heal() {
	stop "$SERVER"
	serve SERVER "$S" tcp-listen 5400 --backlog 4096
}
