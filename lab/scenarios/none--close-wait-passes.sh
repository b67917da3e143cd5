# A busy server closes a moment after its clients: hundreds pass through CLOSE_WAIT, none stays
CAUSE=none EXAMINE=$S SECONDS=4 CLEARED=close-wait-leak

LATE='
import collections, selectors, socket, sys, time
listener = socket.create_server((sys.argv[1], 5400), backlog=512)
listener.setblocking(False)
held = collections.deque()
print("ready", flush=True)
while True:
    try:
        held.append((time.monotonic() + 0.6, listener.accept()[0]))
    except BlockingIOError:
        time.sleep(0.005)
    while held and held[0][0] < time.monotonic():
        held.popleft()[1].close()
'

fault() {
	open_fifo ANSWER
	ip netns exec "$S" python3 -c "$LATE" "$S4" >&"$ANSWER" &
	read -r -t 20 -u "$ANSWER" _
	leave 600 &
}

leave() {
	in_ns "$C" python3 -c "
import socket, time
for _ in range($1):
    socket.create_connection(('$S4', 5400)).close()
    time.sleep(0.002)"
}

traffic() {
	leave 900
	sleep 0.2
}
