# A server that never closes: 120 connections in CLOSE_WAIT, and ever more
CAUSE=close-wait-leak EXAMINE=$S VERDICT=at-risk SEVERITY=warning SECONDS=4 TO=$S4 OWNER=python3
SAYS='python3 \([0-9]+\) holds'

LEAK='
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
listener = socket.create_server((sys.argv[1], 5400), family=family, backlog=256)
held = []
print("ready", flush=True)
while True:
    held.append(listener.accept()[0])
'

leak() {
	open_fifo ANSWER
	ip netns exec "$S" python3 -c "$LEAK" "$TO" >&"$ANSWER" &
	LEAKER=$!
	read -r -t 20 -u "$ANSWER" _
}

# leave N: so many connect, say nothing, and close
leave() {
	in_ns "$C" python3 -c "
import socket
for _ in range($1):
    socket.create_connection(('$TO', 5400)).close()"
}

left() {
	[ "$(in_ns "$S" ss -Htn state close-wait | wc -l)" -ge "$1" ]
}

fault() {
	leak
	leave 120
	await 10 left 120
	sleep 4.5
}

traffic() {
	leave 30
	sleep 2
}

heal() {
	stop "$LEAKER"
	serve SERVER "$S" tcp-listen 5400
}
