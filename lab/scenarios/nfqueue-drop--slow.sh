# A program has bound the queue and answers, but far too slowly: its queue of 16 is full
. "${BASH_SOURCE[0]%/*}/nfqueue-drop.sh"
SECONDS=4

# start_judge PAUSE LENGTH: seconds before each verdict, all of them to accept; and of its queue
start_judge() {
	cat >"$LAB_DIR/judge.py" <<-'PYTHON'
		import socket, struct, sys, time
		# linux/netfilter/nfnetlink_queue.h
		PACKET, VERDICT, CONFIG = 0, 1, 2
		s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
		s.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE: the queue is what fills
		s.bind((0, 0))

		def attribute(kind, data):
		    return struct.pack("HH", len(data) + 4, kind) + data + bytes(-len(data) % 4)

		def say(message, *attributes):
		    body = struct.pack("!BBH", 0, 0, 7) + b"".join(attributes)
		    s.send(struct.pack("IHHII", 16 + len(body), 3 << 8 | message, 1, 0, 0) + body)

		say(CONFIG, attribute(1, struct.pack("!BBH", 1, 0, 0)))  # bind
		say(CONFIG, attribute(2, struct.pack("!IB", 0, 1)))      # headers of netlink alone
		say(CONFIG, attribute(3, struct.pack("!I", int(sys.argv[2]))))
		print("ready", flush=True)
		while True:
		    data = s.recv(65536)
		    at, end = 20, struct.unpack_from("I", data)[0]
		    if struct.unpack_from("H", data, 4)[0] != 3 << 8 | PACKET:
		        continue
		    while at < end:
		        length, kind = struct.unpack_from("HH", data, at)
		        if kind == 1:
		            number = data[at + 4:at + 8]
		        at += (length + 3) & ~3
		    time.sleep(float(sys.argv[1]))
		    say(VERDICT, attribute(2, struct.pack("!I", 1) + number))
	PYTHON
	open_fifo READY
	ip netns exec "$S" python3 "$LAB_DIR/judge.py" "$1" "$2" >&"$READY" &
	JUDGE=$!
	read -r -t 20 -u "$READY" _
}

fault() {
	serve READER "$S" udp-recv 5301
	serve OTHER "$S" udp-recv 5300
	start_judge 0.02 16
	in_ns "$S" $IPTABLES -A INPUT -p udp --dport 5301 -j NFQUEUE --queue-num 7
}

# What waits in the queue at the end gets its verdict yet
traffic() {
	gen "$C" udp-send "$TO" 5300 -n 500 --rate 1000
	gen "$C" udp-send "$TO" 5301 -n 1000 --rate 500
	sleep 0.5
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	stop "$JUDGE"
	start_judge 0 4096
}
