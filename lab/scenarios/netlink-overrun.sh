# A program that wants to hear of addresses and does not read; 200 changes
CAUSE=netlink-overrun EXAMINE=$S SECONDS=3 SEVERITY=warning OWNER=python3

# start_monitor BYTES: how many messages it got is told on $ANSWER, once asked on $ASK
start_monitor() {
	cat >"$LAB_DIR/monitor.py" <<-'PYTHON'
		import socket, sys
		RTMGRP_IPV4_IFADDR = 0x10
		s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
		s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, int(sys.argv[1]))
		s.bind((0, RTMGRP_IPV4_IFADDR))
		s.setblocking(False)
		print("ready", flush=True)
		for line in sys.stdin:
		    n = 0
		    while True:
		        try:
		            s.recv(65536)
		            n += 1
		        except BlockingIOError:
		            break
		        except OSError: # ENOBUFS: the queue itself is still there
		            pass
		    print(n, flush=True)
	PYTHON
	open_fifo ASK
	open_fifo ANSWER
	ip netns exec "$S" python3 "$LAB_DIR/monitor.py" "$1" <&"$ASK" >&"$ANSWER" &
	MONITOR=$!
	read -r -t 20 -u "$ANSWER" _
}

fault() {
	start_monitor 2048
}

traffic() {
	local received

	for change in add del; do
		for i in {1..100}; do echo "addr $change 198.18.0.$i/32 dev $SDEV"; done
	done | ip -n "$S" -batch -
	echo >&"$ASK"
	read -r -t 10 -u "$ANSWER" received
	echo "lost=$((200 - received))"
}

heal() {
	kill "$MONITOR"
	start_monitor 4000000
}
