#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# whydrop pcap against a wire of 20 ms that loses, doubles and delays packets and has a log: what each
# sender's kernel counted as sent again, by kind; at the receiver which packet was overtaken, sent again or
# doubled, as the log says; how long a window was closed; and what is taken out of a complete capture.
. "$(dirname "$0")/../lib.sh"

need_root "a wire between two namespaces"
command -v tcpdump > /dev/null || skip "needs tcpdump"
[ -c /dev/net/tun ] || skip "needs /dev/net/tun"
a='' b=''
space a
space b
python3 "$ROOT/lab/wire.py" "$a" "$b" w0 --delay 10 --lose 30 --double 5 --late 60:4 --log "$TMP/log" > "$TMP/ready" &
CHILDREN+=($!)
await 5 test -s "$TMP/ready" || fail "no wire"
n=0
for space in $a $b; do
	n=$((n + 1))
	ip -n "$space" link set w0 addrgenmode none
	ip -n "$space" addr add 10.79.0.$n/24 dev w0
	ip -n "$space" link set w0 up
	ip netns exec "$space" tcpdump --immediate-mode -B 65536 -s 128 -i w0 -w "$TMP/$n.pcap" 2> "$TMP/tcpdump$n" &
	dumps+=($!)
	CHILDREN+=($!)
	await 5 grep -q listening "$TMP/tcpdump$n"
done

cat > "$TMP/server.py" << 'END'
import socket, struct, threading, time
def serve(c):
    n = 0
    size = struct.unpack("!I", c.recv(4))[0]
    while n < size:
        d = c.recv(65536)
        if not d:
            break
        n += len(d)
    c.sendall(b"y" * size)
    c.close()
def slow(c):  # closes its window for most of a second
    time.sleep(1)
    while c.recv(65536):
        pass
    c.close()
def accept(s, each):
    while True:
        threading.Thread(target=each, args=(s.accept()[0],), daemon=True).start()
threading.Thread(target=accept, args=(socket.create_server(("10.79.0.2", 80), backlog=128), serve), daemon=True).start()
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
s.bind(("10.79.0.2", 81))
s.listen(8)
threading.Thread(target=accept, args=(s, slow), daemon=True).start()
print("up", flush=True)
threading.Event().wait()
END
ip netns exec "$b" python3 "$TMP/server.py" > "$TMP/up" &
CHILDREN+=($!)
await 5 test -s "$TMP/up"
ip netns exec "$a" timeout 60 python3 - << 'END' || fail "the clients"
import socket, struct, threading
def one():  # the short ones are those whose last segments are lost
    for size in [150000] * 3 + [4000] * 12:
        with socket.create_connection(("10.79.0.2", 80)) as c:
            c.sendall(struct.pack("!I", size) + b"x" * size)
            while c.recv(65536):
                pass
def fill():
    with socket.create_connection(("10.79.0.2", 81)) as c:
        c.sendall(b"z" * 60000)
threads = [threading.Thread(target=one) for _ in range(24)] + [threading.Thread(target=fill) for _ in range(3)]
[t.start() for t in threads]
[t.join() for t in threads]
END
quiet=0 # until nobody sends any more
for _ in $(seq 40); do
	before=$(stat -c %s "$TMP/log"); sleep 0.4
	[ "$before" = "$(stat -c %s "$TMP/log")" ] && quiet=$((quiet + 1)) || quiet=0
	[ $quiet -lt 4 ] || break
done
for pid in "${dumps[@]}"; do kill -INT "$pid" && wait "$pid"; done
[ "$(grep -l "^0 packets dropped" "$TMP/tcpdump1" "$TMP/tcpdump2" | wc -l)" = 2 ] || skip "tcpdump itself lost packets"

for n in 1 2; do
	[ $n = 1 ] && space=$a || space=$b
	ip netns exec "$space" nstat -az > "$TMP/nstat$n"
	"$WHYDROP" pcap --json "$TMP/$n.pcap" > "$TMP/told$n.json"
done
python3 "$ROOT/tests/captures/wire_truth.py" "$TMP" "$WHYDROP" > "$OUT" || fail "not what is true" "$OUT"
cat "$OUT"
finish
