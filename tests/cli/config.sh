#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the user states holds: ignored findings, limits, thresholds; live, recorded and scrubbed.
. "$(dirname "$0")/../lib.sh"
need_root "network namespaces"
space A

cat > "$TMP/ignore.conf" << 'END'
[limits]
bandwidth@lo = 40Gbit
connections = 1M
[findings]
ignore = udp-rcvbuf-full@5300
END

# losing FILE COMMAND...: while 1,500 datagrams come for a socket with room for few
losing() {
	local to=$1 pid

	shift
	ip netns exec "$A" "$GEN" udp-recv 5300 --rcvbuf 3000 --no-read --time 20 > "$TMP/gen" 2>&1 &
	CHILDREN+=($!)
	rm -f "$TMP/ready"
	mkfifo "$TMP/ready"
	"$@" --netns "$A" -t 2 --ready-fd 9 9<> "$TMP/ready" > "$to" 2> "$ERR" &
	pid=$!
	CHILDREN+=("$pid")
	read -r -t 20 -n 1 _ <> "$TMP/ready" || fail "not ready" "$ERR"
	ip netns exec "$A" "$GEN" udp-send 127.0.0.1 5300 -n 1500 --rate 1500 > "$TMP/gen" 2>&1
	wait "$pid"
	STATUS=$?
	kill "${CHILDREN[-2]}" 2> /dev/null
	wait "${CHILDREN[-2]}" 2> /dev/null
}

says() { # says EXPRESSION WHAT [FILE]
	json "$1" "${3:-$OUT}" > "$TMP/value" 2>&1 || fail "$2" "$TMP/value" "${3:-$OUT}"
}
ignored='len(d["ignored"]) == 1 and d["ignored"][0]["via"] in ("udp-rcvbuf-full", None) and
	d["ignored"][0]["by"] == "udp-rcvbuf-full@5300" and d["ignored"][0]["lost"]["packets"] > 1000
	and not found("udp-rcvbuf-full") and d["verdict"] != "losing"'
unseen='"cloud-conntrack-allowance" in [n["cause"] for n in d["not_examined"]]'

losing "$OUT" "$WHYDROP" --json --config /dev/null
[ "$STATUS" = 1 ] || fail "nothing ignored: status $STATUS" "$ERR"
says 'd["verdict"] == "losing" and d["ignored"] == [] and found("udp-rcvbuf-full")' "without a file"
says "$unseen" "no limit is stated"

losing "$OUT" "$WHYDROP" --json --config "$TMP/ignore.conf"
[ "$STATUS" = 0 ] || fail "ignored: status $STATUS" "$ERR" "$OUT"
says "$ignored" "ignored"
says "not $unseen" "a limit is stated"

# ---- a recording carries it, and what is said at the replay goes before ----

losing "$OUT" "$WHYDROP" record --config "$TMP/ignore.conf" "$TMP/kept"
"$WHYDROP" record --from "$TMP/kept" --scrub "$TMP/scrubbed" 2> "$ERR" || fail "scrub" "$ERR"
for recording in kept scrubbed; do
	run "$WHYDROP" --json --from "$TMP/$recording"
	says "$ignored" "ignored, of the $recording recording"
	says "not $unseen" "the limit of the $recording recording"
	run "$WHYDROP" --from "$TMP/$recording"
	grep -q '^Ignored: .*(ignore = udp-rcvbuf-full@5300)' "$OUT" || fail "the text does not say it" "$OUT"
done
losing "$OUT" "$WHYDROP" record --config /dev/null "$TMP/bare"
run "$WHYDROP" --json --from "$TMP/bare"
says "$unseen and d['ignored'] == []" "a recording without"
run "$WHYDROP" --json --from "$TMP/bare" --limit connections=1M --config "$TMP/ignore.conf"
says "$ignored" "ignored at the replay"
says "not $unseen" "a limit at the replay"
refused 2 "--limit" "$WHYDROP" record --from "$TMP/bare" --limit connections=1M -

# ---- a threshold: what is a loss to others is a note here ----

printf '[thresholds]\nloss-warning = 100%%\nloss-packets = 10M\n' > "$TMP/deaf.conf"
run "$WHYDROP" --json --from "$TMP/bare" --config "$TMP/deaf.conf"
says 'found("udp-rcvbuf-full")[0]["severity"] == "info" and d["verdict"] != "losing"' "a threshold"

# ---- the peaks of 100 ms ----

run "$WHYDROP" --json --from "$TMP/kept"
says 'd["rates"] == []' "loopback carries nothing to anybody"
finish
