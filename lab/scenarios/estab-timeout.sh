# Twelve connections with TCP_USER_TIMEOUT 1.5 s, and a router that lets nothing of them pass
CAUSE=estab-timeout ALSO=tcp-rto TOPOLOGY=router EXAMINE=$C VERDICT=loss-elsewhere SECONDS=5 TO=$S4
SAYS='given up'

fault() {
	serve SERVER "$S" tcp-listen 5400
	nft_in "$R" <<-RULES
		table inet loss {
			chain c {
				type filter hook forward priority 0
				tcp dport 5400 meta length > 200 counter drop
			}
		}
	RULES
}

SEND='
import select, socket, sys
held = [socket.create_connection((sys.argv[1], 5400)) for _ in range(12)]
for c in held:
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 1500)
    c.send(bytes(400))
ended = 0
poll = select.poll()
for c in held:
    poll.register(c, 0)
waiting = {c.fileno(): c for c in held}
while waiting:
    ready = poll.poll(3500)
    if not ready:
        break
    for fd, _ in ready:
        ended += waiting.pop(fd).getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 110
        poll.unregister(fd)
print("lost=%d" % ended)
'

# What is not given up is healthy: it is closed at once
traffic() {
	in_ns "$C" timeout 4.5 python3 -c "$SEND" "$TO"
}

heal() {
	in_ns "$R" nft flush ruleset
}
