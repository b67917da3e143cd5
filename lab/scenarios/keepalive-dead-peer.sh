# Twelve idle connections are probed every second, and the router lets no probe pass any more
CAUSE=keepalive-dead-peer TOPOLOGY=router EXAMINE=$C VERDICT=at-risk SEVERITY=warning SECONDS=5 TO=$S4
SAYS='the first is given up in [0-9]+ s'

HOLD='
import socket, sys, time
held = []
for _ in range(12):
    c = socket.create_connection((sys.argv[1], 5400))
    c.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 60)
    held.append(c)
print("ready", flush=True)
time.sleep(120)
'

fault() {
	in_ns "$C" sysctl -qw net.ipv4.tcp_keepalive_intvl=1 net.ipv4.tcp_keepalive_probes=60
	serve SERVER "$S" tcp-listen 5400
	open_fifo ANSWER
	ip netns exec "$C" python3 -c "$HOLD" "$TO" >&"$ANSWER" &
	read -r -t 20 -u "$ANSWER" _
	nft_in "$R" <<-RULES
		table inet loss {
			chain c {
				type filter hook forward priority 0
				tcp dport 5400 counter drop
			}
		}
	RULES
}

traffic() {
	sleep 4.2
}

# One answer, and no probe is unanswered any more
all_answered() {
	! in_ns "$C" ss -Htno state established | grep -qE 'keepalive,[^,]*,[1-9]'
}

heal() {
	in_ns "$R" nft flush ruleset
	await 10 all_answered
}
