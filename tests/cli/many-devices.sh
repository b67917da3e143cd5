#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# 10,000 devices in one namespace: what is lost there is found as ever, nothing is left out, and the
# answer comes within reason.
. "$(dirname "$0")/../lib.sh"
need_root "private network namespaces"

PAIRS=5000
client='' server=''
space client
space server
wire "$client" "$server"
seq $PAIRS | sed 's/.*/link add many& type veth peer name more&/' |
	ip -n "$server" -batch - || fail "cannot make $PAIRS pairs of devices"
n=$(ip -n "$server" -o link | wc -l)
[ "$n" -gt $((2 * PAIRS)) ] || fail "only $n devices"

mkfifo "$TMP/ready"
env time -q -f '%e %U %S %M' -o "$TMP/cost" "$WHYDROP" diagnose --json -t 1 --netns "$server" --ready-fd 9 \
	9<> "$TMP/ready" > "$OUT" 2> "$ERR" &
pid=$!
CHILDREN+=("$pid")
read -r -t 60 -n 1 _ <> "$TMP/ready" || fail "not ready after 60 s" "$ERR"
ip netns exec "$client" "$GEN" udp-send 192.0.2.2 9999 -n 300 --rate 3000 > /dev/null
wait "$pid"
STATUS=$?
[ "$STATUS" = 1 ] && [ ! -s "$ERR" ] || fail "status $STATUS" "$ERR"
json "found('udp-noport')[0]['lost']['packets'] == 300" > "$TMP/value" 2>&1 ||
	fail "the packets for a closed port" "$TMP/value"
json "not [n for n in d['not_examined'] if n['source']]" > "$TMP/value" 2>&1 ||
	fail "something was not examined" "$TMP/value"
json "[f['cause'] for f in d['findings'] if f['severity'] != 'info'] == ['udp-noport']" > "$TMP/value" ||
	fail "more is blamed" "$TMP/value"
read -r _ user system kilobytes < <(tail -n 1 "$TMP/cost")
[ "$kilobytes" -lt 100000 ] || fail "it took $kilobytes KB"
awk "BEGIN { exit !($user + $system < 8) }" || fail "it took $user + $system s of CPU"
echo "note: $n devices: $user + $system s of CPU, $kilobytes KB"

# As text too, and by a name that is the last of them.
run "$WHYDROP" diagnose -t 0.2 --netns "$server" --device "more$PAIRS"
[[ $STATUS = [01] ]] && [ ! -s "$ERR" ] || fail "--device: status $STATUS" "$ERR"
refused 2 "more$((PAIRS + 1))" "$WHYDROP" diagnose -t 0.2 --netns "$server" --device "more$((PAIRS + 1))"
finish
