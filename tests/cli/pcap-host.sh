#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a capture shows and what its host knows become one finding, live and by a recording, and only
# where they are of the same thing: at the server each fault has its cause; at the client, which has
# another fault at another port, the capture's findings stay by themselves.
. "$(dirname "$0")/../lib.sh"

need_root "network namespaces"
space C
space S
wire "$C" "$S"
ip -n "$C" addr add 2001:db8::1/64 dev eth0 nodad
ip -n "$S" addr add 2001:db8::2/64 dev eth0 nodad
load() { # load SPACE RULES: each set by itself
	ip netns exec "$1" nft -f - <<< "$2" 2> "$ERR" || skip "nft: $(head -n 1 "$ERR")"
}
load "$S" "table inet t { chain c { type filter hook input priority 0; tcp dport 82 drop; }; }"
load "$C" "table inet t {
	chain i { type filter hook input priority 0; tcp sport 89 drop; }
	chain o { type filter hook output priority 0; tcp flags & rst == rst drop; }
}"
ip netns exec "$S" python3 "$ROOT/tests/captures/faults.py" server > "$TMP/up" &
CHILDREN+=($!)
await 10 test -s "$TMP/up" || fail "the server does not start"

mkfifo "$TMP/ready"
exec 9<> "$TMP/ready"
begin() { # begin NAME COMMAND...: and wait until it is ready
	local name=$1

	shift
	timeout --foreground -k 20 30 "$WHYDROP" "$@" --ready-fd 9 > "$TMP/$name.json" 2> "$TMP/$name.err" &
	CHILDREN+=($!)
	PIDS+=($!)
	read -r -N 1 -t 10 -u 9 _ || fail "$name does not begin" "$TMP/$name.err"
}
PIDS=()
begin client pcap -i eth0 --netns "$C" --json
begin server pcap -i eth0 --netns "$S" --json -w "$TMP/s.pcapng"
begin record record --netns "$S" -t 25 "$TMP/rec"
ip netns exec "$C" python3 "$ROOT/tests/captures/faults.py" client 3 > "$TMP/done" &
CHILDREN+=($!)
await 20 test -s "$TMP/done" || fail "the client"
kill -TERM "${PIDS[@]}" # as ctrl-C; the recording is then a little shorter than the captures
wait "${PIDS[@]}"

cat > "$TMP/judge.py" << 'END'
import json, re, sys
name, file = sys.argv[1:]
j = json.load(open(file))
joined = {(f["cause"], f["via"], f["capture"]): f for f in j["findings"] if "capture" in f}
alone = [(f["cause"], f["headline"]) for f in j["findings"]
         if "capture" not in f and f["severity"] != "info"]
wrong = []
at_server = {
    ("listen-overflow", None, "cap-handshake"): ":81",
    ("fw-rule-drop", None, "cap-handshake"): ":82",
    ("rst-closed-port", None, "cap-handshake"): ":84",
    ("app-slow-reader", "udp-rcvbuf-full", "cap-udp-silent"): ":53",
    ("app-slow-reader", "tcp-zero-window-rx", "cap-zero-window"): ":85",
    ("rst-app-unread-close", None, "cap-rst-origin"): ":86",
    ("paws-timewait", None, "cap-syn-paws"): ":87",
}
# The resets that its firewall drops would have cleared the way for the SYNs to port 87; of those that
# IPv6 sends without a socket the kernel does not tell whose they were.
at_client = {
    ("fw-rule-drop", None, "cap-handshake"): ":89",
    ("fw-output-drop", None, "cap-syn-paws"): ":87",
    ("tcp-zero-window-tx", None, "cap-zero-window"): ":85",
}
want = at_client if name == "client" else at_server
for key, port in want.items():
    told = [e["text"] for e in joined.pop(key, {"evidence": []})["evidence"]
            if e.get("text") and "the capture:" in e["text"]]
    for address in ("192.0.2.2", "[2001:db8::2]")[:1 if key[0] == "fw-output-drop" else 2]:
        if not any(address + port + ":" in t for t in told):
            wrong.append("%s does not tell of %s%s: %s" % (key, address, port, told))
    if any(p + ":" in t for t in told for p in set(at_server.values()) | {":89"} if p != port):
        wrong.append("%s tells of another port: %s" % (key, told))
wrong += ["joined as well: %s" % (k,) for k in joined]
if name == "client":
    if not any(cause == "cap-handshake" and ":81 and " in line and re.search("(does|did) not answer SYNs", line)
               for cause, line in alone):
        wrong.append("the SYNs that the server ignores: %s" % alone)
elif any(":89" not in line for _, line in alone):
    wrong.append("not joined: %s" % alone)
if j["host"]["joined"] != len(want):
    wrong.append("%s joined" % j["host"]["joined"])
twice = {f["cause"] for f in j["host"]["findings"]} & {k[0] for k in want}
if twice - {"app-slow-reader"}:
    wrong.append("told twice: %s" % twice)
print("\n".join(wrong))
sys.exit(bool(wrong))
END
judge() {
	python3 "$TMP/judge.py" "$1" "$TMP/$2.json" > "$OUT" 2>&1 || fail "$2" "$OUT" "$TMP/$2.err"
}
judge server server
judge client client

run "$WHYDROP" pcap "$TMP/s.pcapng" --recording "$TMP/rec" --json
cp "$OUT" "$TMP/replayed.json"
cp "$ERR" "$TMP/replayed.err"
judge server replayed
run "$WHYDROP" pcap "$TMP/s.pcapng" --recording "$TMP/rec"
grep -q "does not answer SYNs" "$OUT" || fail "the text" "$OUT"
[ "$(wc -l < "$OUT")" -lt 200 ] || fail "the text has $(wc -l < "$OUT") lines"

# A recording of another time says nothing of the capture.
python3 "$ROOT/tests/captures/make.py" "$TMP" || fail "make the captures"
run "$WHYDROP" pcap "$TMP/syn_silent.pcap" --recording "$TMP/rec"
grep -q "different times" "$OUT" || fail "a capture of another time" "$OUT" "$ERR"
refused 2 "no-such" "$WHYDROP" pcap "$TMP/clean.pcap" --recording "$TMP/no-such"
finish
