# A server that does something for 50 ms after each accept(): 20 connections/s, and many more come
CAUSE=app-accept-slow VIA=listen-overflow EXAMINE=$S SECONDS=4 WITNESS=TcpExtListenOverflows TO=$S4
OWNER=python3

# start_server SECONDS BACKLOG
start_server() {
	cat >"$LAB_DIR/server.py" <<-'PYTHON'
		import os, socket, sys, time
		s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
		s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		s.bind(("::", 5400))
		s.listen(int(sys.argv[3]))
		os.write(int(sys.argv[1]), b"ready\n")
		while True:
		    s.accept()[0].close()
		    time.sleep(float(sys.argv[2]))
	PYTHON
	open_fifo READY
	ip netns exec "$S" python3 "$LAB_DIR/server.py" "$READY" "$@" &
	SERVER=$!
	read -r -t 20 -u "$READY" _
}

fault() {
	start_server 0.05 8
}

# How many were lost is not known from outside: the last ACK of a handshake is lost too when the
# place that was free at the SYN is taken, and the client believes in its connection
traffic() {
	gen "$C" tcp-connect "$TO" 5400 -n 300 --rate 150 --hold 1 --time 3
}

heal() {
	stop "$SERVER"
	start_server 0 1024
}
