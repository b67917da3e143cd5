#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --wait: nothing while nothing is lost, the full diagnosis once something is, and ctrl-C.
. "$(dirname "$0")/../lib.sh"

refused 2 "--wait 0" "$WHYDROP" --wait 0
refused 2 "--wait never" "$WHYDROP" --wait never
refused 2 "--wait" "$WHYDROP" --wait 5 --since-boot
refused 2 "--wait" "$WHYDROP" --wait 5 --from "$TMP"

need_root "network namespaces"
space A

# ---- no loss: the deadline, by counters alone ----

run "$WHYDROP" --wait 1.5 -t 20 --netns "$A"
[ "$STATUS" = 0 ] || fail "no loss: status $STATUS" "$OUT" "$ERR"
grep -q 'waited 1\.[0-9] s of 1\.5 s, no loss began' "$OUT" || fail "it does not say that it waited" "$OUT"
run "$WHYDROP" --wait 1.5 --json --netns "$A"
json '1.4 <= d["wait"]["waited_s"] < 3 and d["wait"]["asked_s"] == 1.5 and
	d["wait"]["began"] is None and d["interval_s"] >= 1.4 or d' > "$TMP/said" ||
	fail "JSON of a wait in vain" "$TMP/said"
run "$WHYDROP" -t 0.2 --json --netns "$A"
json 'd["wait"] is None and "wait" in d or d' > "$TMP/said" || fail "JSON without --wait" "$TMP/said"

# ---- a loss begins ----

ip netns exec "$A" "$GEN" udp-recv 5300 --rcvbuf 3000 --no-read --time 25 > "$TMP/gen" 2>&1 &
CHILDREN+=($!)
mkfifo "$TMP/ready"
exec 8<> "$TMP/ready"
timeout 25 "$WHYDROP" --wait 20 -t 1 --json --netns "$A" --ready-fd 8 > "$OUT" 2> "$ERR" &
waiting=$!
read -r -n 1 -t 10 -u 8 _ || fail "never ready"
ip netns exec "$A" "$GEN" udp-send 127.0.0.1 5300 -n 5000 --rate 1000 > "$TMP/gen" 2>&1
wait "$waiting"
STATUS=$?
[ "$STATUS" = 1 ] || fail "a loss: status $STATUS" "$ERR" "$OUT"
json 'd["wait"]["began"]["counter"] == "Udp.RcvbufErrors" and d["wait"]["began"]["delta"] >= 10 and
	d["wait"]["waited_s"] < 6 and 0.9 < d["interval_s"] < 3 and
	found("udp-rcvbuf-full")[0]["lost"]["packets"] >= 500' > "$TMP/said" ||
	fail "what began" "$TMP/said" "$OUT"

# ---- ctrl-C ends the waiting, and it says what it saw ----

timeout 25 "$WHYDROP" --wait 20 -t 1 --netns "$A" --ready-fd 8 > "$OUT" 2> "$ERR" &
waiting=$!
read -r -n 1 -t 10 -u 8 _ || fail "never ready"
sleep 0.3
kill -INT "$(ps -o pid= --ppid "$waiting")"
began=$(now_ms)
wait "$waiting"
STATUS=$?
[ $(($(now_ms) - began)) -lt 3000 ] || fail "ctrl-C: went on for $(($(now_ms) - began)) ms"
[ "$STATUS" = 0 ] && grep -q 'of 20.0 s, no loss began' "$OUT" || fail "ctrl-C: status $STATUS" "$OUT" "$ERR"
finish
