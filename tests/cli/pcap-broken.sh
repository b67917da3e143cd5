#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Captures cut at every byte, and broken at random ($BROKEN of them, of seed $BROKEN_SEED), are answered
# by a message or by what is left of them; under the sanitizers where that program was built.
. "$(dirname "$0")/../lib.sh"

program=$WHYDROP
[ ! -x "$ROOT/build-asan/whydrop" ] || program=$ROOT/build-asan/whydrop
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
mkdir "$TMP/c" && python3 "$ROOT/tests/captures/make.py" "$TMP/c" || fail "make the captures"
python3 "$ROOT/tests/broken/captures.py" --seed "${BROKEN_SEED:-1}" --count "${BROKEN:-300}" \
	"$program" "$TMP/c" > "$OUT" 2>&1 || fail "broken captures" "$OUT"
tail -n 1 "$OUT"
finish
