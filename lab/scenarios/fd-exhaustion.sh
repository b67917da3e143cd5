# A server with 20 descriptors and clients that keep their connections: accept() fails with EMFILE
CAUSE=fd-exhaustion VIA=listen-overflow EXAMINE=$S SECONDS=4 WITNESS=TcpExtListenOverflows TO=$S4
OWNER=python3

# start_server DESCRIPTORS BACKLOG
start_server() {
	cat >"$LAB_DIR/server.py" <<-'PYTHON'
		import os, resource, socket, sys, time
		ready, files, backlog = map(int, sys.argv[1:])
		s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
		s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		s.bind(("::", 5400))
		s.listen(backlog)
		os.write(ready, b"ready\n")
		resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
		held = []
		while True:
		    try:
		        held.append(s.accept()[0])
		    except OSError:
		        time.sleep(0.05)
	PYTHON
	open_fifo READY
	ip netns exec "$S" python3 "$LAB_DIR/server.py" "$READY" "$@" &
	SERVER=$!
	read -r -t 20 -u "$READY" _
}

fault() {
	start_server 20 8
}

# Every SYN that made no connection was dropped, the repeated ones too
traffic() {
	local before

	before=$(syns_of "$C")
	gen "$C" tcp-connect "$TO" 5400 -n 200 --rate 500 --hold 2 --time 2.5
	echo "lost=$(($(syns_of "$C") - before - RECEIVED))"
}

heal() {
	stop "$SERVER"
	start_server 1024 1024
}
