# A web server whose clients leave early: with a reset, before the answer, or amid it
CAUSE=none EXAMINE=$S SECONDS=4

SERVE='
import socket, threading
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("", 5400))
s.listen(1024)
def work():
    while True:
        c, _ = s.accept()
        try:
            c.recv(100)
            c.send(b"x" * 30000)
            c.send(b"y" * 30000)
        except OSError:
            pass
        c.close()
for _ in range(4):
    threading.Thread(target=work).start()
print("ready", flush=True)
'
ASK='
import socket, struct, sys
for i in range(900):
    c = socket.create_connection((sys.argv[1], 5400))
    c.send(b"GET")
    if i % 3 == 0:
        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif i % 3 == 1:
        c.recv(1000)
    else:
        while c.recv(65536):
            pass
    c.close()
'

fault() {
	open_fifo ANSWER
	in_ns "$S" python3 -c "$SERVE" >&"$ANSWER" &
	read -r -t 20 -u "$ANSWER" _
}

traffic() {
	in_ns "$C" python3 -c "$ASK" "$S4"
}
