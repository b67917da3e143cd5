# Idle connections that are probed every second: each probe is an old segment, and none is lost
CAUSE=none EXAMINE=$S SECONDS=5

HOLD='
import socket, sys, time
held = []
for _ in range(200):
    c = socket.create_connection((sys.argv[1], 5400))
    c.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
    held.append(c)
print("ready", flush=True)
time.sleep(60)
'

fault() {
	serve SERVER "$S" tcp-listen 5400 --backlog 300
	open_fifo ANSWER
	in_ns "$C" python3 -c "$HOLD" "$S4" >&"$ANSWER" &
	read -r -t 20 -u "$ANSWER" _
}

traffic() {
	sleep 4
}
