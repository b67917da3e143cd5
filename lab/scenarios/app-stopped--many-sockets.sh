# A stopped program with 32 sockets on one port (SO_REUSEPORT), each of which loses, and 17,000 more:
# so many that the kernel is asked who holds them
CAUSE=app-stopped VIA=udp-rcvbuf-full EXAMINE=$S SECONDS=4 WITNESS=UdpRcvbufErrors

fault() {
	ip netns exec "$S" python3 - "$LAB_DIR/ready" 2>>"$LAB_DIR/log" <<-'PYTHON' &
		import resource, socket, sys, time
		resource.setrlimit(resource.RLIMIT_NOFILE, (18000, 18000))
		crowd = [socket.socketpair(type=socket.SOCK_DGRAM) for _ in range(8500)]
		sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(32)]
		for s in sockets:
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
		    s.bind(("", 5300))
		open(sys.argv[1], "w").close()
		time.sleep(120)
	PYTHON
	HOLDER=$!
	await 20 test -e "$LAB_DIR/ready"
	kill -STOP "$HOLDER"
}

traffic() {
	local before

	before=$(stat_of "$S" UdpRcvbufErrors)
	gen "$C" udp-send "$S4" 5300 -n 6000 --rate 3000 --sockets 500
	echo "lost=$(($(stat_of "$S" UdpRcvbufErrors) - before))"
}

heal() {
	kill -KILL "$HOLDER"
	wait "$HOLDER"
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
}
