#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A recording says the same wherever and however it is read, and what it says is what was.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/sick.inc"

sample plain
run "$WHYDROP" record --from "$TMP/plain" -
cp "$OUT" "$TMP/plain.tar"
gzip -k "$TMP/plain.tar"
same_findings "$TMP/plain" "$TMP/plain.tar" equal
same_findings "$TMP/plain" "$TMP/plain.tar.gz" equal
tar cf "$TMP/by-tar.tar" -C "$TMP/plain" .
same_findings "$TMP/plain" "$TMP/by-tar.tar" equal
"$WHYDROP" --json --from - < "$TMP/plain.tar" | cmp -s - "$TMP/diagnosis-1" || fail "--from - differs"

# Nothing of this host gets into it: without rights, in a namespace of its own, and when all is gone.
setpriv --reuid 65534 --clear-groups --no-new-privs "$WHYDROP" --json --from - < "$TMP/plain.tar" |
	cmp -s - "$TMP/diagnosis-1" || fail "it differs for a user without rights"
unshare --net --uts --mount --pid --fork sh -c 'mount -t tmpfs none /sys; "$0" --json --from - < "$1"' \
	"$WHYDROP" "$TMP/plain.tar" | cmp -s - "$TMP/diagnosis-1" || fail "it differs in other namespaces"

# The truth, of the moment it was recorded.
json 'd["verdict"] == "losing" and d["host"]["name"] == "sickhost"' "$TMP/diagnosis-1" > /dev/null ||
	fail "the header" "$TMP/diagnosis-1"
json 'found("udp-rcvbuf-full")[0]["subjects"][0]["socket"]["command"] == "quuxd"' \
	"$TMP/diagnosis-1" > /dev/null || fail "the socket's owner"
json '630 <= found("fw-rule-drop")[0]["lost"]["packets"] <= 760' "$TMP/diagnosis-1" > "$OUT" ||
	fail "packets dropped by rules" "$OUT"
json '{s["lost"] for s in found("fw-rule-drop")[0]["subjects"]} >= {150, 250, 120, 110}' \
	"$TMP/diagnosis-1" > "$OUT" || fail "the rules' own counts" "$TMP/diagnosis-1"
json '[r for r in d["rates"] if r["device"] == "uplink7" and
	r["rx"]["peak_packets_per_second"] > r["rx"]["packets_per_second"] > 10]' \
	"$TMP/diagnosis-1" > "$OUT" || fail "the device's average and peak" "$OUT"
finish
