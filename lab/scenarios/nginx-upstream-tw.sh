# A proxy connects to its backend for each connection that it accepts, and closes first
CAUSE=nginx-upstream-tw ALSO=http-keepalive TOPOLOGY=router EXAMINE=$R VERDICT=healthy SEVERITY=info
SECONDS=4 BACKEND=$S4 PROXY=$R4 SAYS='this end closes first'

RELAY='
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
listener = socket.create_server((sys.argv[1], 8080), family=family, backlog=256)
kept = socket.create_connection((sys.argv[2], 5400)) if sys.argv[3] == "keep" else None
print("ready", flush=True)
while True:
    client = listener.accept()[0]
    backend = kept or socket.create_connection((sys.argv[2], 5400))
    backend.sendall(client.recv(4096) or b"-")
    if not kept:
        backend.shutdown(socket.SHUT_WR)
        backend.recv(1)
        backend.close()
    client.close()
'

# relay HOW: "keep" is with keepalive to the backend
relay() {
	open_fifo ANSWER
	ip netns exec "$R" python3 -c "$RELAY" "$PROXY" "$BACKEND" "$1" >&"$ANSWER" &
	RELAYER=$!
	read -r -t 20 -u "$ANSWER" _
}

fault() {
	in_ns "$R" sysctl -qw net.ipv4.ip_local_port_range='40000 45999'
	serve SERVER "$S" tcp-listen 5400 --backlog 256
	relay anew
}

traffic() {
	gen "$C" tcp-connect "$PROXY" 8080 -n 120 --rate 50 --bytes 10
}

heal() {
	stop "$RELAYER"
	relay keep
}
