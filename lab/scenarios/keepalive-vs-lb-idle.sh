# A balancer is stated to forget after 30 s; twelve connections send their first probe after 60 s
CAUSE=keepalive-vs-lb-idle EXAMINE=$C VERDICT=at-risk SEVERITY=warning SECONDS=2 TO=$S4
STATED="--config $LAB_DIR/whydrop.conf" SAYS='may be idle for longer'

HOLD='
import socket, sys, time
held = []
for _ in range(12):
    c = socket.create_connection((sys.argv[1], 5400))
    c.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, int(sys.argv[2]))
    held.append(c)
print("ready", flush=True)
time.sleep(120)
'

# hold SECONDS: connections whose first probe comes then
hold() {
	open_fifo ANSWER
	ip netns exec "$C" python3 -c "$HOLD" "$TO" "$1" >&"$ANSWER" &
	HOLDER=$!
	read -r -t 20 -u "$ANSWER" _
}

fault() {
	printf '[thresholds]\nidle-limit = 30\n' >"$LAB_DIR/whydrop.conf"
	serve SERVER "$S" tcp-listen 5400
	hold 60
}

traffic() {
	sleep 1
}

# The remedy: the first probe at half of the limit
heal() {
	stop "$HOLDER"
	hold 15
}
