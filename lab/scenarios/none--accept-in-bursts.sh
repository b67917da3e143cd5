# A server that accepts every 0.2 s all that waits, with a backlog that holds as long
CAUSE=none EXAMINE=$S SECONDS=4

fault() {
	cat >"$LAB_DIR/server.py" <<-'PYTHON'
		import os, socket, sys, time
		s = socket.socket()
		s.bind(("", 5400))
		s.listen(256)
		s.setblocking(False)
		os.write(int(sys.argv[1]), b"ready\n")
		while True:
		    try:
		        while True:
		            s.accept()[0].close()
		    except BlockingIOError:
		        time.sleep(0.2)
	PYTHON
	open_fifo READY
	ip netns exec "$S" python3 "$LAB_DIR/server.py" "$READY" &
	SERVER=$!
	read -r -t 20 -u "$READY" _
}

traffic() {
	gen "$C" tcp-connect "$S4" 5400 -n 600 --rate 300 --parallel 300
}
