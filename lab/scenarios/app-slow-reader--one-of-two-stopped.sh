# Two slow processes read one socket, and one of them is stopped: the other still reads
CAUSE=app-slow-reader VIA=udp-rcvbuf-full EXAMINE=$S SECONDS=4 WITNESS=UdpRcvbufErrors

fault() {
	ip netns exec "$S" python3 - "$LAB_DIR/pids" 2>>"$LAB_DIR/log" <<-'PYTHON' &
		import os, socket, sys, time
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)
		s.bind(("", 5300))
		pids = []
		for _ in range(2):
		    pids.append(os.fork())
		    while not pids[-1]:
		        s.recv(2000)
		        time.sleep(0.02)
		with open(sys.argv[1] + ".new", "w") as f:
		    print(*pids, file=f)
		os.rename(sys.argv[1] + ".new", sys.argv[1])
		time.sleep(120)
	PYTHON
	MASTER=$!
	await 20 test -e "$LAB_DIR/pids"
	read -r STOPPED OTHER <"$LAB_DIR/pids"
	kill -STOP "$STOPPED"
}

traffic() {
	local before

	before=$(stat_of "$S" UdpRcvbufErrors)
	gen "$C" udp-send "$S4" 5300 -n 3000 --rate 1000
	echo "lost=$(($(stat_of "$S" UdpRcvbufErrors) - before))"
}

heal() {
	kill -KILL "$STOPPED" "$OTHER" "$MASTER"
	wait "$MASTER"
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
}
