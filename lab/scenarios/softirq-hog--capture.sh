# The same, and a capture takes a copy of each packet: its program is named
. "${BASH_SOURCE[0]%/*}/softirq-hog.sh"
HOST=1 SAYS='python3 \([0-9]+\) captures each'

CAPTURE='
import socket, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(3))
print("ready", flush=True)
time.sleep(300)
'

more_work() {
	local ready

	rule_work
	open_fifo ready
	ip netns exec "$S" python3 -c "$CAPTURE" >&"$ready" &
	read -r -t 20 -u "$ready" _
}
