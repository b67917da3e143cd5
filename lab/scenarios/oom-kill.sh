# A server that wants more memory than its control group may have is killed, and clients still come
CAUSE=oom-kill VIA=rst-closed-port EXAMINE=$S SECONDS=4 SEVERITY=warning TO=$S4

needs() {
	needs_memory_cgroup
}

fault() {
	cat >"$LAB_DIR/server.py" <<-'PYTHON'
		import os, signal, socket, sys
		def grow(*_):
		    data = bytearray(200 << 20)
		    data[::4096] = b"x" * len(data[::4096])
		signal.signal(signal.SIGUSR1, grow)
		s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
		s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		s.bind(("::", 5400))
		s.listen(1024)
		os.write(int(sys.argv[1]), b"ready\n")
		while True:
		    s.accept()[0].close()
	PYTHON
	open_fifo READY
	ip netns exec "$S" python3 "$LAB_DIR/server.py" "$READY" &
	SERVER=$!
	read -r -t 20 -u "$READY" _
	limit_memory "$SERVER" $((64 << 20))
	GREEDY=1
}

traffic() {
	gen "$C" tcp-connect "$TO" 5400 -n 50 --rate 200
	if [ "$GREEDY" = 1 ]; then
		kill -USR1 "$SERVER"
		wait "$SERVER"
		gen "$C" tcp-connect "$TO" 5400 -n 100 --rate 200
		echo "lost=$FAILED"
	fi
}

heal() {
	GREEDY=0
	serve SERVER "$S" tcp-listen 5400 --backlog 1024
}
