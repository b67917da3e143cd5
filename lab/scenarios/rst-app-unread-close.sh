# A server closes without reading what its clients had asked
CAUSE=rst-app-unread-close EXAMINE=$S SECONDS=3 WITNESS=TcpExtTCPAbortOnClose SEVERITY=warning TO=$S4

fault() {
	close_early unread
}

close_early() {
	local fd

	open_fifo fd
	ip netns exec "$S" python3 "$LAB/close_early.py" serve "$fd" 5400 "$@" &
	SERVER=$!
	read -r -t 20 -u "$fd" _
}

traffic() {
	local line

	line=$(in_ns "$C" python3 "$LAB/close_early.py" ask "$TO" 5400 100 wait)
	echo "$line"
	echo "lost=$(lab_field failed "$line")"
}

heal() {
	stop "$SERVER"
	close_early close
}
