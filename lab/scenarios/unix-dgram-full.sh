# A program that logs, and nobody reads at the other end; another queue is read
CAUSE=unix-dgram-full EXAMINE=$S SECONDS=3 VERDICT=at-risk SEVERITY=warning

# start_reader READS: whether it reads what comes for it
start_reader() {
	cat >"$LAB_DIR/reader.py" <<-'PYTHON'
		import socket, sys
		quiet, read = (socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(2))
		quiet.bind("\0whydrop-lab-quiet")
		read.bind("\0whydrop-lab-read")
		print("ready", flush=True)
		while sys.argv[1] == "yes":
		    quiet.recv(65536)
		sys.stdin.read()
	PYTHON
	open_fifo ASK
	open_fifo ANSWER
	ip netns exec "$S" python3 "$LAB_DIR/reader.py" "$1" <&"$ASK" >&"$ANSWER" &
	MONITOR=$!
	read -r -t 20 -u "$ANSWER" _
}

# say NUMBER: so many messages, none of which may wait
say() {
	ip netns exec "$S" python3 -c "
import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.setblocking(False)
s.connect('\0whydrop-lab-quiet')
for i in range($1):
    try:
        s.send(b'a line of a log')
    except BlockingIOError:
        break"
}

fault() {
	start_reader no
	say 1000
}

traffic() {
	say 1000
}

heal() {
	kill "$MONITOR"
	start_reader yes
}
