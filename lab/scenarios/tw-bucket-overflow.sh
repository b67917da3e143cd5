# A host that closes its connections first and may keep but three in TIME_WAIT
CAUSE=tw-bucket-overflow EXAMINE=$C SECONDS=3 WITNESS=TcpExtTCPTimeWaitOverflow SEVERITY=warning TO=$S4

fault() {
	serve SERVER "$S" tcp-listen 5400 --backlog 1024
	in_ns "$C" sysctl -qw net.ipv4.tcp_max_tw_buckets=3
}

time_waits() {
	in_ns "$C" ss -Htan state time-wait | wc -l
}

traffic() {
	local before

	before=$(time_waits)
	gen "$C" tcp-connect "$TO" 5400 -n 200 --rate 400
	echo "lost=$((RECEIVED - $(time_waits) + before))"
}

heal() {
	in_ns "$C" sysctl -qw net.ipv4.tcp_max_tw_buckets=8192
}
