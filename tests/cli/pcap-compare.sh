#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# whydrop pcap --compare on both ends of a wire whose log tells each packet's fate: exactly those that
# it lost, doubled and damaged are found, of IPv4 and IPv6, TCP and UDP. Before that, pairs of captures
# that were made so.
. "$(dirname "$0")/../lib.sh"

# ---- made captures (tests/captures/pairs.py) ----

# name | exit status | cause of the first finding, - none | each way: packets, lost, missed, outside of
# the common time; clock: known, its offset in s; the first lost or missed ones of each way
cat > "$TMP/truth" << 'END'
clean         | 0 | - | 52 0 0 0; 51 0 0 0; True 0 |
clock         | 0 | cap-hop-loss | 105 3 0 0; 101 0 0 0; True 1234.5 | 67 134 201
epoch         | 0 | cap-hop-loss | 105 3 0 0; 101 0 0 0; True 1.54e+09 | 67 134 201
bridged       | 0 | cap-hop-loss | 105 3 0 0; 101 0 0 0; True 0 | 67 134 201
anew          | 0 | cap-hop-loss | 105 3 0 0; 101 0 0 0; True 0 | 67 134 201
nat           | 0 | cap-hop-loss | 105 3 0 0; 101 0 0 0; True 0 | 67 134 201
gso           | 0 | cap-hop-loss | 207 5 0 0; 21 0 0 0; True 0 | 8 17 26 35 44
gso_midstream | 0 | - | 0 0 0 0; 20 0 0 0; False 0 |
cut           | 0 | - | 95 0 0 107; 96 0 0 105; True 0 |
gap           | 0 | cap-gap | 196 0 6 0; 98 0 3 0; True 0 | 64 65 154 155 244 245 66 156 246
one_way       | 0 | cap-hop-loss | 200 4 0 0; 0 0 0 0; False 0 | 31 81 131 181
clamped       | 1 | cap-hop-altered | 22 0 0 0; 21 0 0 0; True 0 |
marked        | 0 | cap-hop-altered | 22 0 0 0; 21 0 0 0; True 0 |
damaged       | 1 | cap-hop-altered | 23 0 0 0; 21 0 0 0; True 0 |
reset         | 1 | cap-hop-altered | 29 0 0 0; 27 0 0 0; True 0 |
blocked       | 0 | cap-hop-loss | 29 5 0 0; 22 0 0 0; True 0 | 23 25 26 27 28
renumbered    | 0 | cap-hop-altered | 22 0 0 0; 21 0 0 0; True 0 |
renumbered_some | 0 | cap-hop-altered | 22 0 0 0; 21 0 0 0; True 0 |
filtered      | 0 | - | 24 0 0 0; 22 0 0 0; True 0 |
wrapped       | 0 | cap-gap | 37 0 2 0; 36 0 0 0; True 0 | 23 25
stripped      | 1 | cap-hop-altered | 22 0 0 0; 21 0 0 0; True 0 |
one_way_bridged | 0 | cap-hop-loss | 200 4 0 0; 0 0 0 0; False 0 | 31 81 131 181
nat_reuse     | 0 | cap-hop-loss | 147 3 0 0; 142 0 0 0; True 0 | 150 217 284
damaged_v6    | 1 | cap-hop-altered | 20 0 0 0; 20 0 0 0; True 0 |
END
python3 "$ROOT/tests/captures/pairs.py" "$TMP" || fail "make the pairs"
while IFS='|' read -r name status cause ways packets; do
	read -r name <<< "$name" && read -r status <<< "$status" && read -r cause <<< "$cause"
	run "$WHYDROP" pcap --compare --json "$TMP/$name-1.pcap" "$TMP/$name-2.pcap"
	[ "$STATUS" = "$status" ] || fail "$name: exit status $STATUS" "$OUT" "$ERR"
	said=$(python3 -c '
import json, sys
d = json.load(open(sys.argv[1]))
h = d["hops"][0]
cause = d["findings"][0]["cause"] if d["findings"] else "-"
ways = ["%d %d %d %d" % tuple(w[k] for k in ("packets", "lost", "missed_by_capture", "outside_common_time"))
        for w in h["ways"]]
ways.append("%s %g" % (h["clock"]["known"], round((h["clock"]["offset_ms"] or 0) / 1000, 3)))
numbers = [n for w in h["ways"] for n in w["lost_packets"] + w["missed_packets"]]
print(cause, "; ".join(ways), *numbers)
sys.exit([cause, "; ".join(ways), " ".join(map(str, numbers))] != [s.strip() for s in sys.argv[2:]])' \
		"$OUT" "$cause" "$ways" "$packets") || fail "$name: $said"
	run "$WHYDROP" pcap --compare "$TMP/$name-1.pcap" "$TMP/$name-2.pcap"
	[ "$STATUS" = "$status" ] && [ "$(wc -l < "$OUT")" -lt 100 ] || fail "$name: as text" "$OUT" "$ERR"
done < "$TMP/truth"

says() { # says NAME WORDS...: in the text about that pair
	local name=$1 words

	shift
	run "$WHYDROP" pcap --compare "$TMP/$name-1.pcap" "$TMP/$name-2.pcap"
	for words; do
		grep -qF -- "$words" <(tr -s ' \n' ' ' < "$OUT") || fail "$name: does not say '$words'" "$OUT"
	done
}
says nat "tcp 10.0.0.1:40000 to 10.0.0.2:80 is tcp 192.0.2.7:61000 to 10.0.0.2:80 there"
says gso "large packets were taken apart into 200 segments"
says gso_midstream "220 packets are cut or joined differently"
says one_way "their offset is not known"
says clamped "MSS of SYNs was 1460 and is 1360" "window scale taken out" "2 packets changed"
says marked "ECN bits were 0 and are 3" "4 packets changed"
says damaged "1 packet changed" "payload"
says blocked "7 packets are of traffic that passes only one of the two"
says renumbered "identifications were rewritten"
says stripped "SACK taken out" "The DSCP was 46 and is 0"
says damaged_v6 "payload" "20 packets, 0 lost, 0 doubled, 0 overtaken"
grep -q "1 overtaken" "$OUT" && fail "damaged_v6: overtaken" "$OUT"

# Three captures are two hops; what is no pair is refused.
run "$WHYDROP" pcap --compare "$TMP/nat-1.pcap" "$TMP/nat-2.pcap" "$TMP/nat-2.pcap"
[ "$(grep -c '^Hop' "$OUT")" = 2 ] && grep -q "101 packets, 0 lost" <(tr -s ' \n' ' ' < "$OUT") ||
	fail "three captures" "$OUT" "$ERR"
refused 2 "no packet in common" "$WHYDROP" pcap --compare "$TMP/nat-1.pcap" "$TMP/one_way-1.pcap"
refused 2 "two captures or more" "$WHYDROP" pcap --compare "$TMP/nat-1.pcap"
refused 2 "twice" "$WHYDROP" pcap --compare "$TMP/nat-1.pcap" -
refused 2 "captures whole" "$WHYDROP" pcap --compare "$TMP/nat-1.pcap" "$TMP/nat-2.pcap" -c 5
refused 2 "captures whole" "$WHYDROP" pcap --compare "$TMP/nat-1.pcap" "$TMP/nat-2.pcap" --memory 5
refused 2 "No such file" "$WHYDROP" pcap --compare "$TMP/nat-1.pcap" "$TMP/none"

# ---- a wire with a log ----

if [ "$(id -u)" != 0 ]; then
	[ "$FAILURES" = 0 ] || finish
	skip "the wire needs root; the made captures are right"
fi
if ! command -v tcpdump > /dev/null || [ ! -c /dev/net/tun ]; then
	[ "$FAILURES" = 0 ] || finish
	skip "the wire needs tcpdump and /dev/net/tun; the made captures are right"
fi
a='' b=''
space a
space b
python3 "$ROOT/lab/wire.py" "$a" "$b" w0 --delay 5 --lose 20 --double 5 --damage 4 --late 50:3 \
	--log "$TMP/log" > "$TMP/ready" &
CHILDREN+=($!)
await 5 test -s "$TMP/ready" || fail "no wire"
n=0
for space in $a $b; do
	n=$((n + 1))
	ip -n "$space" link set w0 addrgenmode none
	ip -n "$space" addr add 10.78.0.$n/24 dev w0
	ip -n "$space" addr add fd78::$n/64 dev w0 nodad
	ip -n "$space" link set w0 up
	ip netns exec "$space" tcpdump --immediate-mode -B 65536 -s 2000 -i w0 -w "$TMP/$n.pcap" 2> "$TMP/tcpdump$n" &
	dumps+=($!)
	CHILDREN+=($!)
	await 5 grep -q listening "$TMP/tcpdump$n"
done

cat > "$TMP/server.py" << 'END'
import socket, threading
def serve(c):
    n = 0
    while n < 100000:
        d = c.recv(65536)
        if not d:
            break
        n += len(d)
    c.sendall(b"y" * 50000)
    c.close()
def accept(s):
    while True:
        threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
def echo(family, host):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.bind((host, 7))
    while True:
        d, peer = s.recvfrom(2000)
        s.sendto(d, peer)
for family, host in ((socket.AF_INET, "10.78.0.2"), (socket.AF_INET6, "fd78::2")):
    s = socket.create_server((host, 80), family=family, backlog=64)
    threading.Thread(target=accept, args=(s,), daemon=True).start()
    threading.Thread(target=echo, args=(family, host), daemon=True).start()
print("up", flush=True)
threading.Event().wait()
END
ip netns exec "$b" python3 "$TMP/server.py" > "$TMP/up" &
CHILDREN+=($!)
await 5 test -s "$TMP/up"
ip netns exec "$a" timeout 60 python3 - << 'END' || fail "the clients"
import socket, threading, time
def one(host):
    for _ in range(2):
        with socket.create_connection((host, 80)) as c:
            c.sendall(b"x" * 100000)
            while c.recv(65536):
                pass
def ask(family, host):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.connect((host, 7))
    s.settimeout(0)
    for i in range(500):
        try:
            s.send(b"%06d" % i * 30)
        except OSError:  # of an ICMP error about the one before
            pass
        time.sleep(0.002)
threads = [threading.Thread(target=one, args=(h,)) for h in ("10.78.0.2", "fd78::2") for _ in range(2)]
threads += [threading.Thread(target=ask, args=a) for a in
            ((socket.AF_INET, "10.78.0.2"), (socket.AF_INET6, "fd78::2"))]
# What is lost at the very ends of a capture cannot be told from what it does not show.
def around():
    time.sleep(0.1)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect(("10.78.0.2", 7))
    for i in range(10):
        s.send(b"around %d" % i)
        time.sleep(0.02)
    time.sleep(0.1)
around()
[t.start() for t in threads]
[t.join() for t in threads]
around()
END
sleep 0.3
for pid in "${dumps[@]}"; do kill -INT "$pid" && wait "$pid"; done
if [ "$(grep -l "^0 packets dropped" "$TMP/tcpdump1" "$TMP/tcpdump2" | wc -l)" != 2 ]; then
	[ "$FAILURES" = 0 ] || finish
	skip "tcpdump itself lost packets; the made captures are right"
fi

"$WHYDROP" pcap --compare --json "$TMP/1.pcap" "$TMP/2.pcap" > "$TMP/told.json" 2> "$ERR"
python3 - "$TMP" << 'END' > "$OUT" || fail "not what the wire's log says" "$OUT" "$ERR"
import json, struct, sys
from collections import Counter
folder = sys.argv[1]
def capture(name):
    data, at, out = open(name, "rb").read(), 24, []
    while at < len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        out.append(data[at + 16:at + 16 + size])
        at += 16 + size
    return out
def payload(p):  # no options of IP are in these
    head = 20 if p[0] >> 4 == 4 else 40
    protocol = p[9] if head == 20 else p[6]
    return len(p) - head - (8 if protocol == 17 else (p[head + 12] >> 4) * 4)
def sender(p):  # by the last byte of the address
    return (p[15] if p[0] >> 4 == 4 else p[23]) - 1
log = [line.split() for line in open(folder + "/log")]
hop = json.load(open(folder + "/told.json"))["hops"][0]
wrong = 0
for end in (0, 1):
    way = hop["ways"][end]
    sent = [(n, p) for n, p in enumerate(capture(f"{folder}/{end + 1}.pcap"), 1) if sender(p) == end]
    fates = [(f, bytes.fromhex(h)) for e, f, h in log if int(e) == end]
    at, truth = 0, {"lost": [], "doubled": [], "damaged": []}
    for n, p in sent:
        i = at
        while i < len(fates) and fates[i][1] != p[:64]:
            i += 1
        if i == len(fates):  # it never came out of the device
            truth["lost"].append(n)
            continue
        at = i + 1
        if fates[i][0] in truth and (fates[i][0] != "damaged" or payload(p)):
            truth[fates[i][0]].append(n)
    told = way["lost_packets"]
    print(f"way {end}: {len(sent)} sent, the wire lost {len(truth['lost'])}, told {len(told)}")
    # Some are equal to the last byte (bare ACKs of IPv6, which has no identification): of these it can
    # only be known how many less, or more, came out than went in.
    bytes_of, out = dict(sent), dict(enumerate(capture(f"{folder}/{2 - end}.pcap"), 1))
    often = Counter(bytes_of.values())
    alone = lambda numbers: [n for n in numbers if often[bytes_of[n]] == 1]
    if alone(told) != alone(truth["lost"]) or len(alone(told)) < 20:
        print("only in the log", sorted(set(truth["lost"]) - set(told)), "only told",
              sorted(set(told) - set(truth["lost"])))
        wrong += 1
    net = Counter(bytes_of[n] for n in truth["lost"])
    net.subtract(bytes_of[n] for n in truth["doubled"])
    net.subtract(bytes_of[n] for n in told)
    net.update(out[n] for n in way["doubled_packets"])
    if any(net.values()):
        print("of equal ones", [(n, p.hex()[:160]) for p, n in net.items() if n][:5])
        wrong += 1
    for name, n in (("doubled", way["doubled"]), ("damaged", sum(
            f["changed"].get("payload", {"packets": 0})["packets"] for f in hop["flows"]
            if f["from"] == way["from"]))):
        print(f"  {name}: {len(truth[name])}, told {n}")
        if name == "damaged" and n != len(truth[name]):
            wrong += 1
    print("  ", {k: way[k] for k in ("packets", "matched", "reordered", "missed_by_capture",
                                     "outside_common_time", "elsewhere", "delay")})
    if way["missed_by_capture"] or not 4.7 <= way["delay"]["median_ms"] < 9:
        wrong += 1
print(hop["clock"])
if abs(hop["clock"]["offset_ms"]) > 3:
    wrong += 1
sys.exit(bool(wrong))
END
cat "$OUT"
finish
