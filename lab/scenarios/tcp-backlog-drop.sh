# A thread is stuck inside a read, its buffer's page is not there: the segments that come meanwhile
# fill the socket's backlog
CAUSE=tcp-backlog-drop EXAMINE=$S SECONDS=5 WITNESS=TcpExtTCPBacklogDrop TO=$S4 HOLD=2

fault() {
	local fd

	open_fifo fd
	ip netns exec "$S" python3 "$LAB/hold_socket.py" 5400 $HOLD "$fd" &
	SERVER=$!
	read -r -t 20 -u "$fd" _
}

# Copies of what had come before: TCP counts each that reaches it
traffic() {
	local before

	before=$(stat_of "$S" TcpExtDelayedACKLost)
	inject --first 1000 --seq -500 -n 400 --rate 2000 --hold 2.5 "$TO" 5400
	echo "lost=$((SENT - $(stat_of "$S" TcpExtDelayedACKLost) + before))"
}

heal() {
	stop "$SERVER"
	HOLD=0
	fault
}
