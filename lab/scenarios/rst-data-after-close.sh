# Clients use connections again that the server has closed; its kernel keeps them in FIN_WAIT2
. "${BASH_SOURCE[0]%/*}/rst-app-unread-close.sh"
CAUSE=rst-data-after-close WITNESS=TcpExtTCPAbortOnData

# Longer than a TIME_WAIT may last: else the socket would be left to one, which counts nothing
fault() {
	in_ns "$S" sysctl -qw net.ipv4.tcp_fin_timeout=130
	close_early close
	HOW=again
}

traffic() {
	local line

	line=$(in_ns "$C" python3 "$LAB/close_early.py" ask "$TO" 5400 100 "$HOW")
	[ "$HOW" = wait ] || echo "lost=$(lab_field sent "$line")"
}

heal() {
	HOW="wait"
}
