# A capture that does not read: its copies are lost, the traffic is not
CAUSE=capture-cost-or-loss SEVERITY=info VERDICT=healthy EXAMINE=$S SECONDS=4 TO=$S4
HOST=1 # may load a module

# 263, 6: SOL_PACKET, PACKET_STATISTICS
CAPTURE='
import socket, struct, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(3))
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, int(sys.argv[1]))
print("ready", flush=True)
for line in sys.stdin:
    print(struct.unpack("II", s.getsockopt(263, 6, 8))[1], flush=True)
'

# whydrop asks only a module that is there already
needs() {
	[ ! -e /proc/modules ] || modprobe -q af_packet_diag && return
	echo "af_packet_diag cannot be loaded"
	return 77
}

start_capture() {
	open_fifo ASK
	open_fifo ANSWER
	ip netns exec "$S" python3 -c "$CAPTURE" "$1" <&"$ASK" >&"$ANSWER" &
	READER=$!
	read -r -t 20 -u "$ANSWER" _
}

fault() {
	serve SINK "$S" udp-recv 5300 --rcvbuf 4000000
	start_capture 4096
}

traffic() {
	local dropped

	gen "$C" udp-send "$TO" 5300 -n 500 --rate 300
	echo >&"$ASK"
	read -r -t 10 -u "$ANSWER" dropped
	echo "lost=$dropped"
}

heal() {
	kill "$READER"
	start_capture 4000000
}
