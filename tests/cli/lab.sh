#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The lab by the program's own command: what there is, one as it is, one played; and installed.
. "$(dirname "$0")/../lib.sh"

answers 0 '^udp-noport +[A-Z]' "$WHYDROP" lab list 'udp-*'
! grep -q '^listen-overflow' "$OUT" || fail "lab list 'udp-*' lists others" "$OUT"
answers 0 '^ring-rx-overflow +the kernels in QEMU show it' "$WHYDROP" lab list
answers 0 '^ +only on the kernels in QEMU .*: tcp_mem belongs' "$WHYDROP" lab list
answers 0 '^softnet-backlog-drop .* \[changes the host' "$WHYDROP" lab list
for scenario in "$ROOT"/lab/scenarios/*.sh; do
	name=${scenario##*/}
	grep -qE "^${name%.sh} +[^ ]" "$OUT" || fail "lab list does not tell of $name"
done
answers 0 '^CAUSE=udp-noport' "$WHYDROP" lab show udp-noport
answers 0 'tested on what the kernel prints' "$WHYDROP" lab show link-crc-errors
refused 2 "'nosuch'" "$WHYDROP" lab show nosuch
refused 2 "'../run'" "$WHYDROP" lab show ../run
refused 2 "'nosuch-\*'" "$WHYDROP" lab list 'nosuch-*'
refused 2 'list, show and run' "$WHYDROP" lab play
refused 2 'one name' "$WHYDROP" lab show

# Away from its tree it finds the lab where it was installed, and says so where none was.
cp "$WHYDROP" "$TMP/whydrop"
run "$TMP/whydrop" lab list
[ "$STATUS" = 0 ] || grep -q '^whydrop: no lab: neither' "$ERR" || fail "a program without a lab" "$OUT" "$ERR"
if [ "$(id -u)" = 0 ]; then
	answers 0 '^1 passed, 0 failed, 0 skipped$' env GEN="$GEN" "$WHYDROP" lab run udp-noport
fi
run "$WHYDROP" lab run nosuch
[ "$STATUS" = 2 ] && grep -q "no such scenario: nosuch" "$ERR" || fail "lab run nosuch: status $STATUS" "$ERR"
finish
