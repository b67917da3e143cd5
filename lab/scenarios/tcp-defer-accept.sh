# A listener with TCP_DEFER_ACCEPT, and clients that wait for a greeting
CAUSE=tcp-defer-accept EXAMINE=$S SECONDS=3 WITNESS=TcpExtTCPDeferAcceptDrop SEVERITY=info TO=$S4

fault() {
	listen_with defer 30
}

listen_with() {
	local fd

	open_fifo fd
	ip netns exec "$S" python3 "$LAB/listen_with.py" "$fd" 5400 "$@" &
	SERVER=$!
	read -r -t 20 -u "$fd" _
}

# Each connection is told complete to its client, and held back here
traffic() {
	gen "$C" tcp-connect "$TO" 5400 -n 40 --rate 200 --parallel 40 --hold 0.4
	echo "lost=$RECEIVED"
}

heal() {
	stop "$SERVER"
	listen_with ttl 64
}
