# SYN cookies are off and half of tcp_max_syn_backlog is in use: nothing is dropped yet
CAUSE=none EXAMINE=$S SECONDS=3

fault() {
	in_ns "$S" sysctl -qw net.ipv4.tcp_syncookies=0 net.ipv4.tcp_max_syn_backlog=128
	ip -n "$S" route add 10.66.0.0/16 via "$C4"
	serve SERVER "$S" tcp-listen 5400 --backlog 4096
}

traffic() {
	gen "$C" raw "$CDEV" --tcp S --from 10.66.0.1 --to "$S4" --to-port 5400 --dmac "$SMAC" \
		--smac "$CMAC" -n 64 --rate 1000 --sources 64
}
