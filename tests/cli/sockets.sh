#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `whydrop sockets`: the troubled first, all of them by their holders, and what may not be seen said.
. "$(dirname "$0")/../lib.sh"
need_root "private network namespaces"

here='' bare=''
space here
space bare
hold() { # hold OPTION...: the generator's sockets in $here, until release
	rm -f "$TMP/ready"
	ip netns exec "$here" "$GEN" tcp-idle 127.0.0.1 20000 "$@" --time 60 \
		--ready-file "$TMP/ready" > "$TMP/truth" &
	HOLDER=$!
	CHILDREN+=("$HOLDER")
	await 20 test -e "$TMP/ready" || fail "the generator is not ready" "$TMP/truth"
}
release() {
	{ kill "$HOLDER" && wait "$HOLDER"; } 2> /dev/null
}
sockets() { run "$WHYDROP" sockets --netns "$here" "$@"; }

# ---- arguments ----

refused 2 'state nonsense: is no state' "$WHYDROP" sockets --state nonsense
refused 2 'peer 192.0.2.0/33: is no address' "$WHYDROP" sockets --peer 192.0.2.0/33
refused 2 'cause ring-rx-overflow: is no trouble' "$WHYDROP" sockets --cause ring-rx-overflow
refused 2 'port' "$WHYDROP" sockets --port 65536
refused 2 'port' "$WHYDROP" sockets --port 0
refused 2 'address 192.0.2: is no address' "$WHYDROP" sockets --address 192.0.2
refused 2 'max-sockets' "$WHYDROP" sockets --max-sockets 0
refused 2 'by' "$WHYDROP" sockets --by color
refused 2 'all does not go with --listen' "$WHYDROP" sockets --all --listen
refused 2 'no network namespace or process' "$WHYDROP" sockets --netns no-such-space

# ---- a namespace without sockets and processes ----

answers 0 'None is in trouble' "$WHYDROP" sockets --netns "$bare"
run "$WHYDROP" sockets --netns "$bare" --all --json
json 'd["sockets"] == [] and d["sockets_read"] == 0 and d["schema"] == "whydrop.sockets/1"' > "$TMP/value" ||
	fail "an empty namespace" "$OUT" "$ERR"

# ---- everything that the generator made, by both ways to find the holders ----

hold -n 300 --processes 3 --troubled 20
sleep 1.2 # data that lies unread for a second
for how in best proc; do
	sockets --owners "$how" --json
	[ "$STATUS" = 0 ] || fail "sockets --owners $how: status $STATUS" "$ERR"
	python3 - "$TMP/truth" "$OUT" > "$TMP/value" << 'END' || fail "--owners $how: not what was made" "$TMP/value"
import json, sys
words = [line.split() for line in open(sys.argv[1])]
d = json.load(open(sys.argv[2]))
processes = {int(w[1]): int(w[2]) for w in words if w[0] == "process"}
troubled = {(w[1], int(w[2]), int(w[3])) for w in words if w[0] == "troubled"}
port = lambda end: int(end.rsplit(":", 1)[1]) if end else 0
rows = {(s["troubles"][0]["id"], port(s["local"]), port(s["remote"])) for s in d["sockets"]}
said = {p["pid"]: p["sockets"] for p in d["by_process"]["list"] if p["pid"]}
classes = [s["class"] for s in d["sockets"]]
order = ["losing", "stuck", "waiting", "leak", "lost-before", "advice"]
print(said, processes, rows ^ troubled, classes, d["owners"], sep="\n")
assert said == processes and rows == troubled and d["sockets_troubled"] == 20
assert sorted(classes, key=order.index) == classes
# Two wait in the full queues, and are nobody's yet.
assert d["owners"]["without"] == {"kernel": 0, "accept_queue": 2, "hidden": 0, "none_seen": 0}
assert all(s["command"] == "gen" for s in d["sockets"])
END
done
ip netns exec "$here" ss -Htan | wc -l > "$TMP/ss"
sockets --all --json
json "len(d['sockets']) == $(cat "$TMP/ss") == d['sockets_read']" > "$TMP/value" ||
	fail "--all has not what ss has" "$TMP/ss" "$TMP/value"
sockets --all
[ "$(grep -cE '^(ESTABLISHED|LISTEN)' "$OUT")" = "$(cat "$TMP/ss")" ] || fail "--all as text" "$OUT"
sockets --listen --json
python3 - "$TMP/truth" "$OUT" > "$TMP/value" << 'END' || fail "listeners" "$TMP/value"
import json, sys
truth = {int(w[1]): int(w[2]) for w in map(str.split, open(sys.argv[1])) if w[0] == "listener"}
said = {int(s["local"].rsplit(":", 1)[1]): s["pid"] for s in json.load(open(sys.argv[2]))["sockets"]}
print(truth, said)
assert truth == said
END

# ---- sums, filters, bounds ----

for by in process listener peer state; do
	answers 0 'sockets; 20 in trouble' "$WHYDROP" sockets --netns "$here" --by "$by"
done
sockets --cause app-slow-reader --json
json 'd["sockets_troubled"] == d["sockets_meant"] == len(d["sockets"]) > 0
      and all(t["cause"] in ("app-slow-reader", "tcp-zero-window-rx") for s in d["sockets"] for t in s["troubles"])' > "$TMP/value" ||
	fail "--cause" "$OUT"
pid=$(awk '$1 == "process" { print $2; exit }' "$TMP/truth")
sockets --pid "$pid" --all --json
json "len(d['sockets']) == 201 and all(s['pid'] == $pid for s in d['sockets'])" > "$TMP/value" || fail "--pid" "$TMP/value"
sockets --port 20000 --state listen --all --json
json 'len(d["sockets"]) == 1 and d["sockets"][0]["state"] == "LISTEN"' > "$TMP/value" || fail "--port and --state" "$OUT"
sockets --peer 127.0.0.0/8 --json
json 'd["sockets_meant"] == d["tcp"]["ESTABLISHED"] > 600 and "LISTEN" not in d["tcp"]' > "$TMP/value" || fail "--peer" "$OUT"
sockets --address 127.0.0.1 --state listen --all --json
json "len(d['sockets']) == $(grep -c ^listener "$TMP/truth")
      and all(s['local'].startswith('127.0.0.1:') for s in d['sockets'])" > "$TMP/value" || fail "--address" "$OUT"
sockets --address 192.0.2.0/24 --json
json 'd["sockets_meant"] == 0' > "$TMP/value" || fail "--address of nobody" "$OUT"
sockets --count 3 --json
json 'len(d["sockets"]) == 3 and d["sockets_left_out"] == 17' > "$TMP/value" || fail "--count" "$OUT"
sockets --max-sockets 100 --json
json 'd["cut"] and d["sockets_read"] == 100' > "$TMP/value" || fail "--max-sockets" "$OUT"
answers 0 'Not all: --max-sockets was reached for tcp4' "$WHYDROP" sockets --netns "$here" --max-sockets 100
# diagnose: what needs every connection is not examined, and says so.
for bound in 50 100000; do
	run "$WHYDROP" diagnose --netns "$here" -t 0.2 --max-sockets $bound --json
	json "(len([n for n in d['not_examined'] if '--max-sockets' in (n['why'] or '')]) > 3) == ($bound == 50)" > "$TMP/value" ||
		fail "diagnose --max-sockets $bound" "$OUT"
done
# A crowd of another kind hides nothing of TCP.
ip netns exec "$here" python3 -c '
import socket, sys, time
held = [socket.socketpair() for _ in range(60)]
open(sys.argv[1], "w").close()
time.sleep(60)' "$TMP/crowd" &
crowd=$!
CHILDREN+=("$crowd")
await 10 test -e "$TMP/crowd" || fail "the crowd is not there"
sockets --max-sockets 100 --json
json 'd["cut_tables"] == ["tcp4", "unix"] and d["sockets_read"] == 200 and d["tcp"]["LISTEN"] > 0
      and d["tcp"]["ESTABLISHED"] == 100 - d["tcp"]["LISTEN"] and d["kinds"]["unix"]["sockets"] == 100' > "$TMP/value" ||
	fail "--max-sockets with a crowd of unix sockets" "$OUT"
{ kill "$crowd" && wait "$crowd"; } 2> /dev/null

# ---- what may not be seen is said ----

# No privilege at all, in the namespace itself.
plain=(ip netns exec "$here" setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps -all)
run "${plain[@]}" "$WHYDROP" sockets --json
json 'd["owners"]["how"] == "proc" and d["owners"]["denied"] > 0 and d["owners"]["without"]["hidden"] > 600
      and d["sockets_troubled"] == 20' > "$TMP/value" || fail "without privileges" "$OUT" "$ERR"
answers 0 'CAP_BPF with' "${plain[@]}" "$WHYDROP" sockets
# A /proc of its own: to remount would change the one of everybody.
hidden=(ip netns exec "$here" unshare -m sh -c 'mount -t proc -o hidepid=2 proc /proc &&
	exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"' sh)
if "${hidden[@]}" grep -q 'hidepid=' /proc/self/mounts; then
	answers 0 'mounted with hidepid' "${hidden[@]}" "$WHYDROP" sockets
else
	echo "note: /proc cannot be mounted with hidepid here"
fi
answers 0 'outside this pid namespace' ip netns exec "$here" unshare -pf --mount-proc "$WHYDROP" sockets

# ---- a namespace without a process of its own: its sockets are held from elsewhere ----

python3 - "/run/netns/$bare" "$TMP/away" << 'END' &
import ctypes, os, socket, sys, time
libc = ctypes.CDLL(None, use_errno=True)
home = os.open("/proc/self/ns/net", os.O_RDONLY)
assert libc.setns(os.open(sys.argv[1], os.O_RDONLY), 0) == 0
held = socket.socket()
held.bind(("127.0.0.1", 7100)); held.listen(1)
assert libc.setns(home, 0) == 0
open(sys.argv[2], "w").write(str(os.getpid()))
time.sleep(60)
END
CHILDREN+=("$!")
await 10 test -s "$TMP/away" || fail "the holder from elsewhere is not there"
[ -z "$(ip netns pids "$bare")" ] || fail "somebody lives in the namespace"
for how in best proc; do
	run "$WHYDROP" sockets --netns "$bare" --listen --owners "$how" --json
	json "[(s['local'], s['pid']) for s in d['sockets']] == [('127.0.0.1:7100', $(cat "$TMP/away"))]" > "$TMP/value" ||
		fail "--owners $how: a socket held from elsewhere" "$TMP/value"
done

# ---- processes that begin and end meanwhile ----

ip netns exec "$bare" timeout 20 python3 -c '
import os, signal, socket, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
end = time.monotonic() + 2
while time.monotonic() < end:
    if os.fork() == 0:
        held = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(20)]
        for s in held:
            s.bind(("127.0.0.1", 0))
        time.sleep(0.01)
        os._exit(0)
    time.sleep(0.005)
' &
CHILDREN+=("$!")
for how in best proc best proc; do
	run "$WHYDROP" sockets --netns "$bare" --all --owners "$how" --json
	[ "$STATUS" = 0 ] || fail "while processes end: status $STATUS" "$ERR"
	json 'd["owners"]["denied"] == 0 and d["owners"]["without"]["hidden"] == 0
	      and all(s["command"] for s in d["sockets"] if s["pid"])' > "$TMP/value" || fail "while processes end" "$TMP/value"
done

# ---- sockets that come and go meanwhile ----

release
ip netns exec "$here" timeout 20 python3 -c '
import socket, time
server = socket.create_server(("127.0.0.1", 7000), backlog=100)
end = time.monotonic() + 4
while time.monotonic() < end:
    held = []
    for _ in range(50):
        held.append(socket.create_connection(("127.0.0.1", 7000)))
        held.append(server.accept()[0])
    for s in held:
        s.close()
' &
CHILDREN+=("$!")
for _ in 1 2 3 4 5 6 7 8; do
	sockets --all --json
	[ "$STATUS" = 0 ] || fail "while sockets come and go: status $STATUS" "$ERR"
	json '"sockets" in d and sum(d["tcp"].values()) + d["udp"] == d["sockets_meant"]' > "$TMP/value" ||
		fail "while sockets come and go" "$TMP/value"
done
finish
