# Clients send to a server that does not read, and its control group may have 256 KiB of TCP buffers.
# That it does not read is told too, where the windows have been closed for long enough
CAUSE=memcg-socket-pressure VIA=tcp-rcvq-prune EXAMINE=$S SECONDS=4 SEVERITY=warning TO=$S4
ALSO=app-slow-reader

needs() {
	[ -e /sys/fs/cgroup/memory/memory.kmem.tcp.limit_in_bytes ] && return
	echo "cgroup v2 has no limit of socket buffers alone"
	return 77
}

# start_server LIMITED: 1 or 0. A socket belongs to the group its maker was in, so that comes first
start_server() {
	cat >"$LAB_DIR/server.py" <<-'PYTHON'
		import os, socket, sys
		with open(0) as gate:
		    gate.readline()
		s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
		s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		s.bind(("::", 5400))
		s.listen(128)
		os.write(int(sys.argv[1]), b"ready\n")
		held = []
		while True:
		    c = s.accept()[0]
		    if sys.argv[2] == "1":
		        held.append(c)
		    else:
		        while c.recv(65536):
		            pass
		        c.close()
	PYTHON
	open_fifo READY
	open_fifo GATE
	ip netns exec "$S" python3 "$LAB_DIR/server.py" "$READY" "$1" <&"$GATE" &
	SERVER=$!
	if [ "$1" = 1 ]; then
		limit_memory "$SERVER" $((256 << 20))
		echo $((256 << 10)) >"/sys/fs/cgroup/memory/$LAB_ID-m/memory.kmem.tcp.limit_in_bytes"
	fi
	echo >&"$GATE"
	read -r -t 20 -u "$READY" _
}

fault() {
	start_server 1
}

traffic() {
	gen "$C" tcp-connect "$TO" 5400 -n 10 --bytes 300000 --parallel 10 --time 2.5
}

heal() {
	stop "$SERVER"
	start_server 0
}
