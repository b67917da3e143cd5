# A program that attached a filter to its UDP socket which lets nothing in
CAUSE=socket-filter-drop EXAMINE=$S SECONDS=3 SEVERITY=warning TO=$S4 KIND=SOCK_DGRAM

# start_server FILTER: 1 or 0
start_server() {
	cat >"$LAB_DIR/server.py" <<-'PYTHON'
		import ctypes, os, socket, struct, sys
		SO_ATTACH_FILTER = 26
		kind = getattr(socket, sys.argv[2])
		s = socket.socket(socket.AF_INET6, kind)
		s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		s.bind(("::", 5300))
		if sys.argv[3] == "1":
		    ret_0 = ctypes.create_string_buffer(struct.pack("=HBBI", 0x06, 0, 0, 0))
		    s.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
		                 struct.pack("@HP", 1, ctypes.addressof(ret_0)))
		if kind == socket.SOCK_STREAM:
		    s.listen(128)
		os.write(int(sys.argv[1]), b"ready\n")
		while True:
		    s.accept()[0].close() if kind == socket.SOCK_STREAM else s.recv(2000)
	PYTHON
	open_fifo READY
	ip netns exec "$S" python3 "$LAB_DIR/server.py" "$READY" "$KIND" "$1" &
	SERVER=$!
	read -r -t 20 -u "$READY" _
}

fault() {
	start_server 1
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 300 --rate 300
	echo "lost=$SENT"
}

heal() {
	stop "$SERVER"
	start_server 0
}
