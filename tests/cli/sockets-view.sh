#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What `whydrop sockets` says of sockets of every kind: for people within 80 columns, the worst
# first; as JSON with the same figures as ss; and of one connection all of it.
. "$(dirname "$0")/../lib.sh"
need_root "private network namespaces"

client='' server=''
space client
space server
wire "$client" "$server"
in_server() { ip netns exec "$server" "$@"; }

# Every kind of socket in one process, held until its input ends.
cat > "$TMP/sockets.py" << 'END'
import ctypes, os, socket, sys, time
keep = []
def make(*kind):
    s = socket.socket(*kind)
    keep.append(s)
    return s
open("/proc/self/comm", "w").write("ev\033il")
# a listener whose queue is full, and its clients
full = make()
full.bind(("127.0.0.1", 7001)); full.listen(1)
for _ in range(3):
    c = make(); c.setblocking(False); c.connect_ex(("127.0.0.1", 7001))
# IPv6: one that takes IPv4, too, one that does not, and a peer of IPv4
dual = make(socket.AF_INET6); dual.bind(("::", 7002)); dual.listen(5)
six = make(socket.AF_INET6); six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
six.bind(("::", 7003)); six.listen(5000)
c = make(); c.connect(("127.0.0.1", 7002)); c.send(b"x" * 3000)
a, _ = dual.accept(); keep.append(a); a.recv(100)
# UDP: full, and it lost some
u = make(socket.AF_INET, socket.SOCK_DGRAM); u.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
u.bind(("127.0.0.1", 7004))
s = make(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(40): s.sendto(b"y" * 500, ("127.0.0.1", 7004))
# unix: a full listener; a sender whose reader does not read
x = make(socket.AF_UNIX); x.bind("\0wd-full"); x.listen(0)
for _ in range(2):
    c = make(socket.AF_UNIX); c.setblocking(False)
    try: c.connect("\0wd-full")
    except BlockingIOError: pass
one, two = socket.socketpair(); keep += [one, two]
one.setblocking(False)
try:
    while True: one.send(b"z" * 4096)
except BlockingIOError: pass
# the others
make(socket.AF_INET, socket.SOCK_RAW, 89)
make(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x88cc))
make(socket.AF_NETLINK, socket.SOCK_RAW, 0).bind((0, 0))
try:
    m = make(socket.AF_INET, socket.SOCK_STREAM, 262); m.bind(("127.0.0.1", 7005)); m.listen(3)
except OSError: pass
# nobody answers there
n = make(); n.setblocking(False); n.connect_ex(("192.0.2.77", 9))
print("ready", flush=True)
sys.stdin.read()
END
mkfifo "$TMP/hold"
in_server python3 "$TMP/sockets.py" < "$TMP/hold" > "$TMP/ready" &
CHILDREN+=($!)
exec 7> "$TMP/hold"
await 20 grep -q ready "$TMP/ready" || fail "the sockets were not made"
# A SYN that was sent again once; nothing else is waited for.
again() { ss -Hton -N "$server" state syn-sent dst 192.0.2.77 | grep -q 'timer:(on,[^,]*,[1-9]'; }
in_server ip neigh replace 192.0.2.77 lladdr 02:00:00:00:00:77 dev eth0
await 10 again || fail "the SYN was not sent again"

# ---- JSON ----

run "$WHYDROP" sockets --netns "$server" --count 100 --json
[ "$STATUS" = 0 ] || fail "sockets --json: status $STATUS" "$ERR"
cp "$OUT" "$TMP/sockets.json"
run "$WHYDROP" sockets --netns "$server" --all --json
cp "$OUT" "$TMP/all.json"
run "$WHYDROP" sockets --netns "$server" --listen --json
cp "$OUT" "$TMP/listen.json"
python3 - "$TMP"/{sockets,all,listen}.json > "$TMP/value" << 'END' || fail "JSON of sockets" "$TMP/value"
import json, sys
d, every, waits = (json.load(open(f)) for f in sys.argv[1:])
print(json.dumps(d, indent=1))
top = {"schema", "version", "host", "started_at", "seconds", "namespaces", "sockets_read", "sockets_meant",
       "sockets_troubled", "cut", "changing", "repeated", "tcp", "udp", "kinds", "troubles", "owners",
       "sockets", "sockets_left_out", "by_process", "by_listener", "by_peer"}
assert top <= d.keys(), top - d.keys()
assert d["schema"] == every["schema"] == "whydrop.sockets/1"
row = {"protocol", "local", "remote", "inode", "pid", "command", "unit", "kind", "family", "dual_stack",
       "name", "cookie", "netns", "state", "class", "troubles", "uid", "receive_queue", "send_queue",
       "accept_queue", "backlog", "receive_memory", "receive_buffer", "send_memory", "send_buffer", "drops",
       "holders", "holders_in_all", "no_holder"}
tcp = {"timer", "timer_ms", "timer_tries", "rto_us", "backoff", "unacked_ms", "rtt_us", "cwnd",
       "retrans_total", "congestion"}
for s in every["sockets"]:
    assert row <= s.keys(), row - s.keys()
    assert s["kind"] != "tcp" or tcp <= s.keys(), tcp - s.keys()
assert len(every["sockets"]) == d["sockets_read"] == every["sockets_meant"]
# the worst first, and each of those that were put there
rank = ["losing", "stuck", "waiting", "leak", "lost-before", "advice"]
classes = [rank.index(s["class"]) for s in d["sockets"]]
assert classes == sorted(classes), classes
ids = {t["id"] for s in d["sockets"] for t in s["troubles"]}
assert {"accept-queue-full", "udp-buffer-full", "connect-unanswered", "unix-queue-full", "unix-send-full"} <= ids, ids
by = {s["local"]: s for s in every["sockets"] if s["kind"] in ("tcp", "udp") and not s["remote"]}
assert by["127.0.0.1:7001"]["accept_queue"] == 2 and by["127.0.0.1:7001"]["backlog"] == 1
assert by["[::]:7002"]["dual_stack"] and not by["[::]:7003"]["dual_stack"]
assert by["127.0.0.1:7004"]["drops"] > 30 and by["127.0.0.1:7004"]["receive_buffer"] == 8192
assert [s for s in every["sockets"] if s["family"] == "ipv4-mapped" and s["receive_queue"] == 2900]
full = [s for s in every["sockets"] if s["name"] == "@wd-full" and s["state"] == "LISTEN"]
assert full and full[0]["accept_queue"] == 1 and full[0]["backlog"] == 0
for kind, n in {"raw": 1, "packet": 1, "netlink": 1}.items():
    assert d["kinds"][kind] == {"status": "read", "errno": None, "sockets": n}, (kind, d["kinds"][kind])
mine = [s for s in every["sockets"] if s["inode"] and s["kind"] != "mptcp"]
assert {s["command"] for s in mine} == {"ev\033il"}, [s for s in mine if s["command"] != "ev\033il"]
assert d["kinds"]["mptcp"]["sockets"] == (1 if d["kinds"]["mptcp"]["status"] == "read" else 0)
cap = {s["local"]: (s["backlog"], s["somaxconn"]) for s in waits["sockets"] if s["kind"] == "tcp"}
assert cap["[::]:7003"][0] == cap["[::]:7003"][1], cap
END

# ---- text ----

wide() { awk 'length($0) > 80' "$1"; }
run "$WHYDROP" sockets --netns "$server" --count 100
[ "$STATUS" = 0 ] || fail "sockets: status $STATUS" "$ERR"
[ -z "$(wide "$OUT")" ] || fail "wider than 80 columns" "$OUT"
grep -q $'\033' "$OUT" && fail "an escape sequence of a command's name came through" "$OUT"
grep -qF 'ev\x1bil (' "$OUT" || fail "the holder is not named" "$OUT"
grep -q '^losing  *LISTEN 127.0.0.1:7001$' "$OUT" || fail "the full listener is not told" "$OUT"
tr -s '\n ' ' ' < "$OUT" | grep -q '2 wait, 1 and one more may' || fail "its queue is not told" "$OUT"
[ "$(sed -n '/^$/,$p' "$OUT" | sed -n 2p)" = "losing       LISTEN 127.0.0.1:7001" ] || fail "the worst is not the first" "$OUT"
grep -q 'stuck  *unix LISTEN stream @wd-full' "$OUT" || fail "the unix listener is not told" "$OUT"
grep -q 'SYN_SENT 192.0.2.2:[0-9]* > 192.0.2.77:9' "$OUT" || fail "the unanswered SYN is not told" "$OUT"
run "$WHYDROP" sockets --netns "$server" --color always --count 1
grep -q $'\033\[1;31mlosing' "$OUT" || fail "no colour with --color always" "$OUT"
run "$WHYDROP" sockets --netns "$server" --listen
[ -z "$(wide "$OUT")" ] || fail "--listen is wider than 80 columns" "$OUT"
grep -Eq '^ +2 +1  program +[0-9]+  tcp 127.0.0.1:7001 ' "$OUT" || fail "--listen: 7001" "$OUT"
grep -Eq '^ +0 +[0-9,]+  somaxconn +0  tcp \[::\]:7003 ' "$OUT" || fail "--listen: 7003 is capped by somaxconn" "$OUT"
grep -q 'tcp \[::\]:7002 and IPv4' "$OUT" || fail "--listen: 7002 takes IPv4, too" "$OUT"
for by in process listener peer state; do
	run "$WHYDROP" sockets --netns "$server" --by $by
	[ "$STATUS" = 0 ] && [ -z "$(wide "$OUT")" ] || fail "--by $by" "$OUT"
done
run "$WHYDROP" sockets --netns "$server" --kind unix --kind packet --all
if grep -qE 'LISTEN +[0-9]+ +[0-9]+  127' "$OUT" || ! grep -q '^unix' "$OUT" || ! grep -q '^packet .*ethertype 0x88cc' "$OUT"; then
	fail "--kind unix --kind packet" "$OUT"
fi
run "$WHYDROP" sockets --netns "$server" --kind smoke
[ "$STATUS" = 2 ] || fail "--kind smoke: status $STATUS"

# ---- one connection ----

port=$(ss -Htn -N "$server" src 127.0.0.1 and dport = :7002 | awk '{ sub(/.*:/, "", $4); print $4 }')
flow=127.0.0.1:$port-127.0.0.1:7002
# ss reads nothing of it away, and nothing moves on it: its figures stay as they are.
ss -Htinoem -N "$server" "src 127.0.0.1:$port" > "$TMP/ss"
run "$WHYDROP" sockets --netns "$server" --detail "$flow" --json
[ "$STATUS" = 0 ] || fail "--detail $flow: status $STATUS" "$ERR"
python3 - "$OUT" "$TMP/ss" > "$TMP/value" << 'END' || fail "--detail differs from ss" "$TMP/value"
import json, re, sys
s = json.load(open(sys.argv[1]))["socket"]
ss = open(sys.argv[2]).read()
print(ss, json.dumps(s, indent=1))
t, one = s["tcp"], lambda pattern: re.search(r"[ (\t]" + pattern, ss).group(1)
for name, value in {r"cwnd:(\d+)": t["cwnd"], r"mss:(\d+)": t["mss"], r"rcvmss:(\d+)": t["rcv_mss"],
                    r"advmss:(\d+)": t["advmss"], r"pmtu:(\d+)": t["pmtu"], r"bytes_sent:(\d+)": t["bytes_sent"],
                    r"bytes_acked:(\d+)": t["bytes_acked"], r"segs_out:(\d+)": t["segs_out"],
                    r"segs_in:(\d+)": t["segs_in"], r"data_segs_out:(\d+)": t["data_segs_out"],
                    r"rcv_space:(\d+)": t["rcv_space"], r"rcv_ssthresh:(\d+)": t["rcv_ssthresh"],
                    r"snd_wnd:(\d+)": t["snd_wnd"], r"rto:(\d+)": t["rto_us"] // 1000,
                    r"ino:(\d+)": s["inode"], r"wscale:(\d+)": t["options"]["snd_wscale"],
                    r"skmem:\(r(\d+)": s["memory"]["receive_used"], r"skmem:\([^)]*rb(\d+)": s["memory"]["receive_limit"],
                    r"skmem:\([^)]*tb(\d+)": s["memory"]["send_limit"], r"skmem:\([^)]*,d(\d+)": s["drops"]}.items():
    assert int(one(name)) == value, (name, one(name), value)
assert int(one(r"sk:([0-9a-f]+)"), 16) == s["cookie"]
rtt, var = (round(float(x) * 1000) for x in re.search(r"rtt:([\d.]+)/([\d.]+)", ss).groups())
assert abs(rtt - t["rtt_us"]) <= 1 and abs(var - t["rttvar_us"]) <= 1
assert (t["ssthresh"] is None) == ("ssthresh" not in ss.replace("rcv_ssthresh", ""))
assert t["options"]["sack"] == (" sack" in ss) and t["options"]["timestamps"] == (" ts" in ss)
assert t["congestion"] in ss and s["owner"]["command"] == "ev\033il"
for key in ("phase", "window_bytes", "window_rate", "rto", "oldest_unacked_ms", "gives_up", "orphan",
            "connect_timeout_ms", "read_timeout_ms"):
    assert key in s["derived"], key
assert s["derived"]["read_timeout_ms"] == 2 * t["rto_us"] // 1000 and 1000 < s["derived"]["connect_timeout_ms"] < 1100
topics = [w["topic"] for w in s["words"]]
for topic in ("owner", "state", "cwnd", "ssthresh", "rtt", "rto", "mss", "retransmits", "options", "timer", "timeouts"):
    assert topic in topics, topic
END
run "$WHYDROP" sockets --netns "$server" --detail "$flow"
[ -z "$(wide "$OUT")" ] || fail "--detail is wider than 80 columns" "$OUT"
grep -q "^tcp 127.0.0.1:$port - 127.0.0.1:7002  ESTABLISHED" "$OUT" || fail "--detail: what it is" "$OUT"
grep -qF 'ev\x1bil, pid' "$OUT" || fail "--detail: whose it is" "$OUT"
run "$WHYDROP" sockets --netns "$server" --detail "sk:$(grep -oE 'sk:[0-9a-f]+' "$TMP/ss" | cut -c4-)"
grep -q "^tcp 127.0.0.1:$port - " "$OUT" || fail "--detail by its cookie" "$OUT"
run "$WHYDROP" sockets --netns "$server" --detail '*:7002'
[ "$STATUS" = 2 ] && [ "$(grep -c 'sk:' "$OUT")" = 3 ] || fail "--detail *:7002 does not list three" "$OUT"
run "$WHYDROP" sockets --netns "$server" --detail 127.0.0.1:7002-127.0.0.1:1
[ "$STATUS" = 2 ] && grep -q 'no TCP or UDP socket' "$ERR" || fail "--detail of nothing" "$ERR"
run "$WHYDROP" sockets --netns "$server" --detail 'nginx'
[ "$STATUS" = 2 ] && grep -q 'is none of' "$ERR" || fail "--detail of no name" "$ERR"
run "$WHYDROP" sockets --netns "$server" --detail 1.2.3.4:5 --listen
[ "$STATUS" = 2 ] || fail "--detail with --listen: status $STATUS"
# The SYN that nobody answers: how often, how long, until when.
syn=$(ss -Htn -N "$server" state syn-sent dst 192.0.2.77 | awk '{ print $3 "-" $4 }')
run "$WHYDROP" sockets --netns "$server" --detail "$syn" --json
python3 - "$OUT" > "$TMP/value" << 'END' || fail "--detail of an unanswered SYN" "$TMP/value"
import json, sys
s = json.load(open(sys.argv[1]))["socket"]
print(json.dumps(s, indent=1))
assert s["state"] == "SYN_SENT" and s["timer"]["name"] == "retransmit" and s["timer"]["tries"] >= 1
c = s["settings"]
tries = c["tcp_syn_retries"] + max(c["tcp_syn_linear_timeouts"] or 0, 0)
assert s["timer"]["tries"] + s["derived"]["gives_up"]["tries"] == tries
total = s["derived"]["oldest_unacked_ms"] + s["derived"]["gives_up"]["ms"]
assert total == (131000 if c["tcp_syn_linear_timeouts"] == 4 else 127000), total
END
exec 7>&-
finish
