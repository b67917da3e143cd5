# After its first datagram the reader sleeps where only the kernel can wake it (state D)
CAUSE=app-blocked-io VIA=udp-rcvbuf-full EXAMINE=$S SECONDS=4 WITNESS=UdpRcvbufErrors TO=$S4

# A parent after vfork() is in state D until its child is gone; the child has closed the socket
fault() {
	local fd

	cat >"$LAB_DIR/reader.py" <<-'PYTHON'
		import ctypes, os, socket, sys, time
		CLONE_VFORK, SIGCHLD, SYS_CLONE = 0x4000, 17, {"x86_64": 56, "aarch64": 220}[os.uname().machine]
		s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
		s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
		s.bind(("::", 5300))
		os.write(int(sys.argv[1]), b"ready\n")
		s.recv(2000)
		if ctypes.CDLL(None).syscall(SYS_CLONE, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0) == 0:
		    os.close(s.fileno())
		    time.sleep(float(sys.argv[2]))
		    os._exit(0)
		while True:
		    s.recv(2000)
	PYTHON
	open_fifo fd
	in_ns "$S" python3 "$LAB_DIR/reader.py" "$fd" $((4 * STRETCH)) &
	READER=$!
	read -r -t 20 -u "$fd" _ || echo "the reader is not ready"
}

# It still sleeps when this ends, so the socket's own count must do
traffic() {
	local before

	before=$(skmem "$S" 5300 d)
	gen "$C" udp-send "$TO" 5300 -n 3000 --size 100 --rate 1000
	echo "lost=$(($(skmem "$S" 5300 d) - before))"
}

heal() {
	stop "$READER"
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
}
