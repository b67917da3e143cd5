# A server hands over to its successor: the new one listens before the old one ends (SO_REUSEPORT)
CAUSE=none EXAMINE=$S SECONDS=4

fault() {
	local fd

	cat >"$LAB_DIR/server.py" <<-'PYTHON'
		import os, socket, sys
		s = socket.socket()
		s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
		s.bind(("", 5400))
		s.listen(1024)
		os.write(int(sys.argv[1]), b"ready\n")
		while True:
		    s.accept()[0].close()
	PYTHON
	open_fifo READY
	start FIRST
}

start() {
	ip netns exec "$S" python3 "$LAB_DIR/server.py" "$READY" &
	printf -v "$1" %s $!
	read -r -t 20 -u "$READY" _
}

traffic() {
	gen "$C" tcp-connect "$S4" 5400 -n 100 --rate 200
	start SECOND
	stop "$FIRST"
	gen "$C" tcp-connect "$S4" 5400 -n 100 --rate 200
	FIRST=$SECOND
}
