# A raw socket whose program does not read; nothing else handles the protocol
CAUSE=raw-socket-drop EXAMINE=$S SECONDS=5 FAMILY=AF_INET FROM=$C4 TO=$S4

READ='
import os, socket, sys
s = socket.socket(getattr(socket, sys.argv[1]), socket.SOCK_RAW, 253)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, int(sys.argv[2]))
s.setblocking(False)
print("ready", flush=True)
for line in sys.stdin:
    n = 0
    try:
        while s.recv(4096): n += 1
    except BlockingIOError:
        print(n, flush=True)
'
SEND='
import socket, sys, time
s = socket.socket(getattr(socket, sys.argv[1]), socket.SOCK_RAW, 253)
for i in range(300):
    s.sendto(bytes(200), (sys.argv[2], 0))
    time.sleep(0.002)
'

# start_reader BYTES: what it has read since it is told on $ANSWER, once asked on $ASK
start_reader() {
	open_fifo ASK
	open_fifo ANSWER
	ip netns exec "$S" python3 -c "$READ" "$FAMILY" "$1" <&"$ASK" >&"$ANSWER" &
	READER=$!
	read -r -t 20 -u "$ANSWER" _
}

fault() {
	start_reader 2048
}

traffic() {
	local received

	in_ns "$C" python3 -c "$SEND" "$FAMILY" "$TO"
	echo >&"$ASK"
	read -r -t 10 -u "$ANSWER" received
	echo "lost=$((300 - received))"
}

heal() {
	kill "$READER"
	start_reader 1000000
}
