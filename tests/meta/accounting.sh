#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The lab's sums: what is put to the right cause, to wrong ones and to none, and that each can fail.
. "$(dirname "$0")/../lib.sh"

scenario() { # scenario NAME CAUSE "OTHERS" LOST UNEXPLAINED "CAUSE PACKETS"...
	local name=$1 truth
	truth=$(printf '%s\n' "$2" "$3" "$4")
	mkdir -p "$TMP/$name" && echo "$truth" > "$TMP/$name/fault.truth"
	python3 - "$5" "${@:6}" > "$TMP/$name/fault.json" << 'END'
import json, sys
found = [dict(cause=c, via=None, state="losing", severity="info", lost=dict(packets=int(n)))
         for c, n in map(str.split, sys.argv[2:])]
print(json.dumps(dict(findings=found, ledger=dict(traced=1000, unexplained=int(sys.argv[1])))))
END
}
account() {
	run python3 "$ROOT/lab/account.py" --judge "$TMP" "$@"
}

scenario exact udp-noport "" 1000 0 "udp-noport 1000"
scenario beside udp-noport "ttl-exceeded rp-filter" 1000 0 "udp-noport 1000" "rp-filter 50"
scenario below udp-noport "" 1000 0 "udp-noport 949"
scenario short udp-noport "" 1000 0 "udp-noport 985"
scenario astray udp-noport "" 1000 0 "udp-noport 1000" "rp-filter 5"
scenario open udp-noport "" 1000 6 "udp-noport 1000"
scenario healthy none "" "" 0 "rp-filter 3"

account exact beside healthy gone
[ "$STATUS" = 0 ] && grep -q "^lost packets of 2 scenarios .* 100.000 % put to the right cause" "$OUT" ||
	fail "exact ones" "$OUT" "$ERR"
for case in below:"below is below 95" short:"the mean is below 99.5" astray:"went to wrong causes" \
	open:"of the drops are unexplained"; do
	account "${case%%:*}"
	[ "$STATUS" = 1 ] && grep -q "^fail .*${case#*:}" "$OUT" || fail "${case%%:*}" "$OUT" "$ERR"
done
run python3 "$ROOT/lab/account.py" "$TMP" below
[ "$STATUS" = 0 ] && grep -q "below: 94.900 % right" "$OUT" || fail "some are told, not judged" "$OUT"
finish
