# Every SYN is answered by cookie, so that the accept queue is found full only by the final ACK
. "${BASH_SOURCE[0]%/*}/listen-overflow.sh"

# The way back is long: most SYNs come before the first final ACK. Who was dropped with his ACK
# believes that he is connected; where SYNs come late they are dropped themselves, at most twice
fault() {
	in_ns "$C" sysctl -qw net.ipv4.tcp_syn_retries=1
	in_ns "$S" sysctl -qw net.ipv4.tcp_syncookies=2
	in_ns "$S" tc qdisc add dev "$SDEV" root tbf rate 40kbit burst 100 limit 200000
	serve SERVER "$S" tcp-listen 5400 --backlog 8 --no-accept
}

traffic() {
	local before connected accepted

	before=$(($(syns_of "$C") - $(stat_of "$S" TcpExtSyncookiesSent)))
	gen "$C" tcp-connect "$TO" 5400 -n 60 --parallel 60 --hold 8 --time 9 &
	sleep 2.5
	connected=$(in_ns "$C" ss -Htn state established dport = :5400 | wc -l)
	accepted=$(in_ns "$S" ss -Hltn sport = :5400 | awk '{ print $2 }')
	echo "lost=$(($(syns_of "$C") - $(stat_of "$S" TcpExtSyncookiesSent) - before +
		connected - accepted))"
}

heal() {
	stop "$SERVER"
	in_ns "$S" tc qdisc del dev "$SDEV" root
	serve SERVER "$S" tcp-listen 5400 --backlog 1024
}
