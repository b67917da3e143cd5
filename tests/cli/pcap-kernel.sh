#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What whydrop pcap counts as sent again is what the kernels of both ends counted, TcpRetransSegs and
# TCPSynRetrans: segments are dropped at random where the capture has seen them already.
. "$(dirname "$0")/../lib.sh"

[ "$(id -u)" = 0 ] || skip "needs root"
command -v tcpdump > /dev/null || skip "needs tcpdump"
a=pcapa-$$ b=pcapb-$$
for space in $a $b; do
	ip netns add "$space" || skip "no network namespaces"
	SPACES+=("$space")
done
ip link add v0 netns $a type veth peer name v0 netns $b
for n in 1 2; do
	[ $n = 1 ] && space=$a || space=$b
	ip -n "$space" addr add 10.77.0.$n/24 dev v0
	ip -n "$space" link set v0 up
	ip netns exec "$space" ethtool -K v0 tso off gso off gro off > "$OUT" 2>&1
	# Behind the tap of its own capture, in front of TCP.
	ip netns exec "$space" nft -f - << 'END' 2> "$ERR" || skip "nft: $(head -n 1 "$ERR")"
table ip t {
	chain c {
		type filter hook prerouting priority 0;
		meta l4proto tcp numgen random mod 100 < 3 counter drop
	}
}
END
done
ip netns exec $a tcpdump --immediate-mode -B 65536 -s 128 -i v0 -w "$TMP/a.pcap" 2> "$TMP/tcpdump" &
tcpdump=$!
CHILDREN+=("$tcpdump")
for _ in $(seq 50); do grep -q listening "$TMP/tcpdump" && break; sleep 0.1; done

cat > "$TMP/server.py" << 'END'
import socket, threading
s = socket.create_server(("10.77.0.2", 80), backlog=256)
def serve(c):
    n = 0
    while n < 60000:
        d = c.recv(65536)
        if not d:
            break
        n += len(d)
    c.sendall(b"y" * 60000)
    c.close()
print("up", flush=True)
while True:
    threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
END
ip netns exec $b python3 "$TMP/server.py" > "$TMP/up" &
CHILDREN+=($!)
for _ in $(seq 50); do [ -s "$TMP/up" ] && break; sleep 0.1; done
ip netns exec $a timeout 60 python3 - << 'END' || fail "the clients"
import socket, threading
def one():
    for _ in range(10):
        with socket.create_connection(("10.77.0.2", 80)) as c:
            c.sendall(b"x" * 60000)
            while c.recv(65536):
                pass
threads = [threading.Thread(target=one) for _ in range(8)]
[t.start() for t in threads]
[t.join() for t in threads]
END
for _ in $(seq 40); do # until nobody sends any more
	before=$(stat -c %s "$TMP/a.pcap"); sleep 1.3
	[ "$before" != "$(stat -c %s "$TMP/a.pcap")" ] || break
done
kill -INT "$tcpdump" && wait "$tcpdump"
grep -q "^0 packets dropped" "$TMP/tcpdump" || skip "tcpdump itself lost packets"

count() { ip netns exec "$1" nstat -az "$2" | awk -v name="$2" '$1 == name { print $2 }'; }
"$WHYDROP" pcap --json "$TMP/a.pcap" > "$TMP/told.json"
for space in $a $b; do
	kernel+=("$(count "$space" TcpRetransSegs)" "$(count "$space" TcpExtTCPSynRetrans)")
done
python3 - "$TMP/told.json" "${kernel[@]}" << 'END' > "$OUT" || fail "the kernels and the capture" "$OUT"
import json, sys
tcp = json.load(open(sys.argv[1]))["tcp"]
kernel = list(map(int, sys.argv[2:]))
wrong = sum(kernel) < 20
for who in ("clients", "servers"):
    (segments, syn), kernel = kernel[:2], kernel[2:]
    again = tcp["retransmitted_by_" + who]
    print(f"{who}: TcpRetransSegs {segments}, SYN {syn}; the capture {again}")
    wrong |= again["sum"] != segments or again["syn"] != syn
sys.exit(wrong)
END
cat "$OUT"
finish
