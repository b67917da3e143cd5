#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Recordings of other machines and kernels (tests/fixtures/hosts) find here what they found there.
# With --print [NAME]: what each, or one, finds now.
. "$(dirname "$0")/../lib.sh"

# One line a finding, in order: cause, via, severity, packets lost and their unit
findings() { # findings RECORDING
	"$WHYDROP" diagnose --json --from "$1" | python3 -c '
import json, sys
d = json.load(sys.stdin)
print("kernel", d["host"]["kernel"])
print("verdict", d["verdict"])
for f in d["findings"]:
	print(f["cause"], f["via"] or "-", f["severity"], f["lost"]["packets"], f["lost"]["unit"])'
}

for recording in "$ROOT"/tests/fixtures/hosts/*.tar.*; do
	name=${recording##*/}
	if [ "${1:-}" = --print ]; then
		[[ $name = "${2:-*}".tar.* ]] || [ -z "${2:-}" ] || continue
		[ -n "${2:-}" ] || echo "$name"
		findings "$recording"
		continue
	fi
	findings "$recording" > "$OUT" 2> "$ERR"
	diff "${recording%.tar.*}.expected" "$OUT" > "$TMP/difference" ||
		fail "$name (< expected, > found)" "$TMP/difference" "$ERR"
	[ "$(stat -c %s "$recording")" -lt 100000 ] || fail "$name is too large"
done
finish
