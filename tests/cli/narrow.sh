#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --pid, --port, --peer and --device: what has nothing to do with them is one line, and no part of
# the verdict; live and from a recording.
. "$(dirname "$0")/../lib.sh"
need_root "private network namespaces"

client='' server='' other=''
space client
space server
space other
wire "$client" "$server"
ip link add eth1 netns "$server" type veth peer name eth0 netns "$other"
ip -n "$server" addr add 198.51.100.2/24 dev eth1 && ip -n "$server" link set eth1 up
ip -n "$other" addr add 198.51.100.1/24 dev eth0 && ip -n "$other" link set eth0 up
await 5 carrier "$other" || fail "no carrier"
ip netns exec "$server" nft -f - <<- END || skip "no nft here"
	table ip t { chain c { type filter hook input priority 0; udp dport 7001 counter drop; }; }
END

# Two that do not read, one of them is ours; both on the same machine.
ip netns exec "$server" "$GEN" udp-recv 5301 --rcvbuf 8192 --no-read --time 240 > /dev/null &
ours=$!
ip netns exec "$server" "$GEN" udp-recv 5302 --rcvbuf 8192 --no-read --time 240 > /dev/null &
theirs=$!
CHILDREN+=("$ours" "$theirs")
await 5 eval '[ "$(ip netns exec "$server" ss -Hlun | grep -c ":530[12]")" = 2 ]'
# Both buffers are full before anything is counted.
fill() {
	for port in 5301 5302; do
		ip netns exec "$client" "$GEN" udp-send 192.0.2.2 $port -n 100 --rate 5000
	done > /dev/null
}
fill

traffic() {
	ip netns exec "$client" "$GEN" udp-send 192.0.2.2 5301 -n 200 --rate 3000
	ip netns exec "$client" "$GEN" udp-send 192.0.2.2 5302 -n 300 --rate 3000
	ip netns exec "$client" "$GEN" udp-send 192.0.2.2 7001 -n 150 --rate 3000
	ip netns exec "$client" "$GEN" udp-send 192.0.2.2 9999 -n 120 --rate 3000
	ip netns exec "$other" "$GEN" udp-send 198.51.100.2 9999 -n 80 --rate 3000
} > /dev/null

beside() { # beside OPTION...: a diagnosis with that traffic
	local fifo=$TMP/ready pid

	rm -f "$fifo" && mkfifo "$fifo"
	"$WHYDROP" "$@" --ready-fd 9 9<> "$fifo" > "$OUT" 2> "$ERR" &
	pid=$!
	CHILDREN+=("$pid")
	read -r -t 10 -n 1 _ <> "$fifo" || fail "$*: not ready after 10 s" "$ERR"
	traffic
	wait "$pid"
	STATUS=$?
}

says() { # says WHAT EXPRESSION
	json "$2" > "$TMP/value" 2>&1 || fail "$1: $2" "$TMP/value" "$ERR" "$OUT"
}
shown='{(f["via"] or f["cause"]): f["lost"]["packets"] for f in d["findings"] if f["lost"]["packets"]}'
left='{f["via"] or f["cause"] for f in d["narrowed"]["left_out"] if f["lost"]["packets"]}'

# ---- everything, kept as a recording; then each, live and from it ----

beside record -t 3 --netns "$server" "$TMP/recording"
[ "$STATUS" = 0 ] || fail "record: $STATUS" "$ERR"
run "$WHYDROP" --json --from "$TMP/recording"
says "everything" "$shown == {'udp-rcvbuf-full': 500, 'fw-rule-drop': 150, 'udp-noport': 200} and
	d['narrowed'] is None"

each() { # each STATUS SHOWN LEFT OPTION...: live and from the recording
	local status=$1 findings=$2 others=$3 form

	shift 3
	for form in live recorded; do
		if [ $form = live ]; then
			beside --json -t 3 --netns "$server" "$@"
		else
			run "$WHYDROP" --json --from "$TMP/recording" "$@"
		fi
		[ "$STATUS" = "$status" ] || fail "$form $*: status $STATUS, not $status" "$ERR" "$OUT"
		says "$form $*" "$shown == $findings and $left == $others"
	done
}

each 1 "{'udp-rcvbuf-full': 200}" "{'udp-rcvbuf-full', 'fw-rule-drop', 'udp-noport'}" --port 5301
says "subjects of --port" "[s['socket']['local'] for f in d['findings'] for s in f['subjects']
	if f['lost']['packets']] == ['[::]:5301']"
each 1 "{'fw-rule-drop': 150}" "{'udp-rcvbuf-full', 'udp-noport'}" --port 7001
each 0 "{'udp-noport': 200}" "{'udp-rcvbuf-full', 'fw-rule-drop'}" --port 9999
each 0 "{'udp-noport': 80}" "{'udp-noport', 'udp-rcvbuf-full', 'fw-rule-drop'}" --peer 198.51.100.1
each 0 "{'udp-noport': 80}" "{'udp-noport', 'udp-rcvbuf-full', 'fw-rule-drop'}" --device eth1
each 1 "{'udp-rcvbuf-full': 200}" "{'udp-rcvbuf-full', 'fw-rule-drop', 'udp-noport'}" --pid "$ours"
each 0 "{'udp-noport': 80}" "{'udp-noport', 'udp-rcvbuf-full', 'fw-rule-drop'}" \
	--peer 198.51.100.0/24 --port 9999
each 0 "{}" "{'udp-noport', 'udp-rcvbuf-full', 'fw-rule-drop'}" --port 4444
each 0 "{}" "{'udp-noport', 'udp-rcvbuf-full', 'fw-rule-drop'}" --peer 2001:db8::1

# A process's namespace is the one to look at.
beside --json -t 3 --pid "$theirs"
says "--pid alone" "$shown == {'udp-rcvbuf-full': 300} and d['netns']['name'] == '$server'"

# ---- since boot ----

run "$WHYDROP" --json --since-boot --netns "$server"
says "--since-boot" "all(f['state'] != 'losing' and f['severity'] != 'critical' for f in d['findings'])
	and found('udp-noport')[0]['state'] == 'lost-before'
	and found('udp-noport')[0]['lost']['packets'] > 2000 and d['since_boot']"
[ "$STATUS" = 1 ] || fail "--since-boot: status $STATUS" "$OUT"
run "$WHYDROP" --json --since-boot --netns "$server" --port 5301
says "--since-boot --port" "'udp-rcvbuf-full' in $shown and
	[s['socket']['local'] for s in found('udp-rcvbuf-full')[0]['subjects']] == ['[::]:5301']"
run "$WHYDROP" --since-boot --netns "$server"
grep -q '^LOST PACKETS' "$OUT" || fail "--since-boot in words" "$OUT"
tr -s '\n ' ' ' < "$OUT" | grep -q "Not examined: .*since boot were not kept: sample, without --since-boot" ||
	fail "--since-boot: it is not said that drops were not traced then" "$OUT"

# ---- in words ----

run "$WHYDROP" --from "$TMP/recording" --port 7001
tr -s '\n ' ' ' < "$OUT" | grep -qE 'Only port 7001: [0-9]+ findings of others left out: .*udp-noport 200' ||
	fail "the text does not say what is left out" "$OUT"
run "$WHYDROP" --from "$TMP/recording" --port 4444
tr -s '\n ' ' ' < "$OUT" | grep -q "NO KNOWN LOSS .*nothing lost is known to concern port 4444" ||
	fail "the text of nothing that concerns" "$OUT"

# ---- what is wrong is named ----

refused 2 "port 0: must be from 1 to 65535" "$WHYDROP" --port 0
refused 2 "port http: is no whole number" "$WHYDROP" --port http
refused 2 "pid 0" "$WHYDROP" --pid 0
refused 2 "pid 4194304: no such process" "$WHYDROP" --pid 4194304
refused 2 "peer 10.0.0.300: is no address" "$WHYDROP" --peer 10.0.0.300
refused 2 "peer 10.0.0.0/33: is no address" "$WHYDROP" --peer 10.0.0.0/33
began=$(now_ms)
refused 2 "device nope: there is no such device here; there are lo" "$WHYDROP" -t 30 --device nope
[ $(($(now_ms) - began)) -lt 5000 ] || fail "a wrong device is told too late"
refused 2 "device nope: there is no such device" "$WHYDROP" --from "$TMP/recording" --device nope
refused 2 "pid 1: the recording knows no such process" "$WHYDROP" --from "$TMP/recording" --pid 1
finish
