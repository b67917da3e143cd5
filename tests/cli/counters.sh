#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `whydrop counters`: its numbers are those of the kernel's own files, found by any of their names.
. "$(dirname "$0")/../lib.sh"
need_root "private network namespaces"

client='' server=''
space client
space server
wire "$client" "$server"
counters() { run "$WHYDROP" counters --netns "$server" "$@"; }
storm() { ip netns exec "$client" "$GEN" udp-send 192.0.2.2 9999 -n "$1" --rate 3000 > /dev/null; }

# ---- every number of the files, and the same ----

storm 200
ip netns exec "$client" "$GEN" tcp-connect 192.0.2.2 9998 -n 3 > /dev/null 2>&1
# Addresses of IPv6 are settled, neighbours are not asked again: nothing moves any more.
quiet() {
	local one two

	one=$(ip netns exec "$server" cat /proc/net/{netstat,snmp,snmp6})
	sleep 0.5
	two=$(ip netns exec "$server" cat /proc/net/{netstat,snmp,snmp6})
	[ "$one" = "$two" ]
}
await 10 quiet || fail "the namespace does not become quiet"
# IPv6 may still speak up: what counts is a reading between two that are the same.
read_between() {
	ip netns exec "$server" cat /proc/net/netstat /proc/net/snmp > "$TMP/paired"
	ip netns exec "$server" cat /proc/net/snmp6 > "$TMP/named"
	counters --since-boot --json
	ip netns exec "$server" cat /proc/net/netstat /proc/net/snmp > "$TMP/paired-after"
	ip netns exec "$server" cat /proc/net/snmp6 > "$TMP/named-after"
	cmp -s "$TMP/paired" "$TMP/paired-after" && cmp -s "$TMP/named" "$TMP/named-after"
}
await 10 read_between ||
	fail "something moved meanwhile"
[ "$STATUS" = 0 ] || fail "counters --since-boot: status $STATUS" "$ERR"
python3 - "$TMP/paired" "$TMP/named" "$OUT" > "$TMP/value" << 'END' || fail "numbers differ from the files" "$TMP/value"
import json, sys
files = {}
lines = open(sys.argv[1]).read().splitlines()
for names, values in zip(lines[::2], lines[1::2]):
    prefix = names.split(":")[0]
    files.update({f"{prefix}.{n}": int(v) for n, v in zip(names.split()[1:], values.split()[1:])})
for line in open(sys.argv[2]):
    name, value = line.split()
    files[name] = int(value)
sources = ("/proc/net/netstat", "/proc/net/snmp", "/proc/net/snmp6")
counters = json.load(open(sys.argv[3]))["namespaces"][0]["counters"]
ours = {c["name"]: c["after"] for c in counters if c["source"] in sources}
wrong = {n: (files.get(n), ours.get(n)) for n in files.keys() | ours.keys() if files.get(n) != ours.get(n)}
print(len(files), len(ours), wrong)
assert len(files) > 250 and files["Udp.NoPorts"] == 200 and files["Tcp.OutRsts"] == 3
sys.exit(bool(wrong))
END

# ---- what moved, and by how much ----

beside() { # beside "TRAFFIC" OPTION...: once counting has begun
	local traffic=$1 fifo=$TMP/ready pid

	shift
	rm -f "$fifo" && mkfifo "$fifo"
	"$WHYDROP" counters --netns "$server" --ready-fd 9 "$@" 9<> "$fifo" > "$OUT" 2> "$ERR" &
	pid=$!
	CHILDREN+=("$pid")
	read -r -t 10 -n 1 _ <> "$fifo" || fail "counters $*: not ready after 10 s" "$ERR"
	eval "$traffic"
	wait "$pid"
	STATUS=$?
}

beside "storm 600" -i 1 --json
moved='{c["name"]: c for c in d["namespaces"][0]["counters"] if c["delta"] and not c["cpu"]}'
json "(lambda m: m['Udp.NoPorts']['delta'] == 600 and m['Udp.NoPorts']['loss'] == 'loss' and
	m['Udp.NoPorts']['before'] == 200 and m['Udp.NoPorts']['after'] == 800 and
	abs(m['Udp.NoPorts']['per_second'] * d['interval_s'] - 600) < 1 and
	m['Udp.NoPorts']['stage'] == 'udp' and m['Ip.InReceives']['loss'] == 'plain' and
	m['rx_packets']['device'] == 'eth0' and m['rx_packets']['delta'] >= 600)($moved)" \
	> "$TMP/value" 2>&1 || fail "the changes are not those of the traffic" "$TMP/value"
json "[e for e in d['namespaces'][0]['devices'] if e['device'] == 'eth0' and
	abs(e['rx']['packets_per_second'] * d['interval_s'] - 600) < 20 and
	e['rx']['kilobytes_per_second'] > 20]" > "$TMP/value" 2>&1 ||
	fail "the device's load" "$TMP/value" "$OUT"

beside "storm 600" -i 1 --nonzero
grep -qE '^  Udp.NoPorts +800 +1,400 +\+600 +[0-9,]+/s$' "$OUT" || fail "text: no Udp.NoPorts" "$OUT"
grep -qE '^ +\[loss\] dropped: nobody listens on the port; since boot ' "$OUT" ||
	fail "text: no meaning" "$OUT"
grep -q 'TCPBacklogDrop' "$OUT" && fail "--nonzero lists what did not move" "$OUT"
grep -qE '^  eth0 +[0-9]+ ' "$OUT" || fail "text: no load of eth0" "$OUT"
[ "$(awk 'length > 80' "$OUT" | wc -l)" = 0 ] || fail "lines longer than 80 columns: $(awk "length > 80" "$OUT")"

# Several intervals: each begins where the one before ended.
beside "storm 300; sleep 1; storm 300" -i 1 -c 3 --json Udp.NoPorts
python3 - "$OUT" > "$TMP/value" 2>&1 << 'END' || fail "three intervals" "$TMP/value" "$OUT"
import json, sys
rows = [json.loads(line)["namespaces"][0]["counters"] for line in open(sys.argv[1])]
print(rows)
rows = [r[0] for r in rows if len(r) == 1]
assert len(rows) == 3 and sum(r["delta"] for r in rows) == 600
assert rows[0]["after"] == rows[1]["before"] and rows[1]["after"] == rows[2]["before"]
END

# ---- found by any of its names ----

names() { # names EXPECTED PATTERN: the only counter of that pattern
	counters --since-boot --json "$2"
	json "{c['name'] for c in d['namespaces'][0]['counters']} == {'$1'}" > "$TMP/value" 2>&1 ||
		fail "'$2' is not $1" "$OUT" "$ERR"
}
for name in TcpExt.TCPBacklogDrop TcpExtTCPBacklogDrop TCPBacklogDrop tcpbacklogdrop \
	'TCPBacklogDrop: 12' 'TcpExt.TCPBacklog[D]*'; do
	names TcpExt.TCPBacklogDrop "$name"
done
names TcpExt.ListenOverflows 'times the listen queue of a socket overflowed'
names TcpExt.ListenOverflows '    1244 times the listen queue of a socket overflowed'
names TcpExt.PAWSEstab '825313 packets rejects in established connections because of timestamp'
names TcpExt.DelayedACKLost 'Quick ack mode was activated 24 times'
names rx_missed_errors rx_missed_errors
names Udp6NoPorts UDP6NoPorts
names MPTcpExt.MPCapableSYNRX mpcapablesynrx
counters --since-boot 'listen queue'
[ "$(grep -c '^  [A-Z]' "$OUT")" = 1 ] && grep -q ListenOverflows "$OUT" || fail "part of a sentence" "$OUT"
# Whatever netstat prints now is found again.
if command -v netstat > /dev/null; then
	ip netns exec "$server" netstat -s 2> /dev/null | sed -n 's/^    //p' | grep -v '^    ' |
		grep -vE '^Forwarding|:$' > "$TMP/sentences"
	[ "$(wc -l < "$TMP/sentences")" -gt 20 ] || fail "netstat -s says too little" "$TMP/sentences"
	while read -r sentence; do
		counters --since-boot "$sentence"
		[ "$STATUS" = 0 ] || fail "netstat's '$sentence' is not found" "$ERR"
	done < "$TMP/sentences"
fi

# ---- narrowed ----

counters --since-boot --json --device eth0
json "d['namespaces'][0]['counters'] and [e['device'] for e in d['namespaces'][0]['devices']] == ['eth0']
	and all(c['device'] == 'eth0' for c in d['namespaces'][0]['counters'])" > /dev/null ||
	fail "--device eth0" "$OUT"
counters --since-boot --json --cpu 0
json "d['namespaces'][0]['counters'] and all(c['cpu'] == 0 for c in d['namespaces'][0]['counters'])" \
	> /dev/null || fail "--cpu 0" "$OUT"

# ---- from a recording ----

"$WHYDROP" record -t 0.3 --netns "$server" "$TMP/recording" 2> "$ERR" || fail "record" "$ERR"
run "$WHYDROP" counters --from "$TMP/recording" --json
json "[c for c in d['namespaces'][0]['counters'] if c['name'] == 'Udp.NoPorts' and c['delta'] == 0
	and c['before'] == c['after'] == 2000] and d['replay']" > "$TMP/value" 2>&1 ||
	fail "the counters of a recording" "$TMP/value" "$ERR"
"$WHYDROP" record --from "$TMP/recording" --scrub "$TMP/scrubbed" 2> "$ERR" || fail "scrub" "$ERR"
run "$WHYDROP" counters --from "$TMP/scrubbed" --json Udp.NoPorts
json "d['namespaces'][0]['counters'][0]['after'] == 2000" > /dev/null || fail "of a scrubbed one" "$OUT"

# ---- without privileges; what cannot be read is named ----

run setpriv --reuid 65534 --clear-groups --no-new-privs "$WHYDROP" counters --since-boot --json
json "len(d['namespaces'][0]['counters']) > 250 and
	{'source': 'nf_tables', 'errno': 'EPERM'} in d['namespaces'][0]['not_read']" \
	> "$TMP/value" 2>&1 || fail "without privileges" "$TMP/value" "$ERR"

# ---- what is wrong is named, at once ----

began=$(now_ms)
refused 2 "no counter is called 'TCPBacklogDrp'.*TcpExt.TCPBacklogDrop" "$WHYDROP" counters TCPBacklogDrp -i 60
refused 2 "no counter is called 'xyzzyplugh'" "$WHYDROP" counters xyzzyplugh -i 60
refused 2 "TcpExt.PAWSPassive is not counted" "$WHYDROP" counters PAWSPassive --since-boot
refused 2 "no device 'nope' here; there are lo" "$WHYDROP" counters --device nope -i 60
refused 2 "no CPU 4000" "$WHYDROP" counters --cpu 4000 -i 60
[ $(($(now_ms) - began)) -lt 5000 ] || fail "refusals take too long"
refused 2 "pattern is empty" "$WHYDROP" counters ''
refused 2 "interval 0" "$WHYDROP" counters -i 0
refused 2 "count -1" "$WHYDROP" counters -c -1
refused 2 "one argument too many" "$WHYDROP" counters a b
refused 2 "interval does not go with --since-boot" "$WHYDROP" counters --since-boot -i 5
refused 2 "netns does not go with --from" "$WHYDROP" counters --from "$TMP/recording" --netns x
finish
