#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Recordings broken at random ($BROKEN of them, of seed $BROKEN_SEED) are answered by a message or by
# what is left of them; under the sanitizers where that program was built.
. "$(dirname "$0")/../lib.sh"

recordings=("$ROOT"/tests/fixtures/hosts/*.tar.*)
if [ "$(id -u)" = 0 ]; then
	# This kernel's sources beside those of the fixtures, with several faults.
	. "$(dirname "$0")/sick.inc"
	sample sick
	tar cf "$TMP/sick.tar" -C "$TMP/sick" .
	"$WHYDROP" record -t 0.3 - > "$TMP/host.tar" || fail "record this namespace"
	recordings+=("$TMP/sick.tar" "$TMP/host.tar")
fi
program=$WHYDROP
[ ! -x "$ROOT/build-asan/whydrop" ] || program=$ROOT/build-asan/whydrop
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
python3 "$ROOT/tests/broken/recordings.py" --seed "${BROKEN_SEED:-1}" --count "${BROKEN:-40}" --sources \
	"$program" "${recordings[@]}" > "$OUT" 2>&1 || fail "broken recordings" "$OUT"
tail -n 1 "$OUT"
finish
