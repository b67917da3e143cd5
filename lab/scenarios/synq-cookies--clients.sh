# A burst of real clients with a long way back: more half-open connections than the backlog, and
# the cookies come back
. "${BASH_SOURCE[0]%/*}/synq-cookies.sh"

fault() {
	in_ns "$S" sysctl -qw net.ipv4.tcp_syncookies=1
	in_ns "$S" tc qdisc add dev "$SDEV" root tbf rate 100kbit burst 2000 limit 200000
	serve SERVER "$S" tcp-listen 5400 --backlog 16
}

traffic() {
	gen "$C" tcp-connect "$TO" 5400 -n 200 --rate 2000 --parallel 200 --time 3
}

heal() {
	in_ns "$S" tc qdisc del dev "$SDEV" root
	stop "$SERVER"
	serve SERVER "$S" tcp-listen 5400 --backlog 4096
}
