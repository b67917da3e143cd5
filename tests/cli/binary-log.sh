#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A kernel log with binary in it. /dev/kmsg escapes what is not printable (\xHH), so raw bytes come by
# a recording: they are told in JSON that is valid, and no control character reaches a terminal.
. "$(dirname "$0")/../lib.sh"

run "$WHYDROP" record -t 0.2 "$TMP/kept"
[ "$STATUS" = 0 ] || fail "record" "$ERR"
inode=$(basename "$(dirname "$(dirname "$(find "$TMP/kept" -path '*/a/made' -print -quit)")")")

# What the log tells of the whole host is told in the namespace of process 1, wherever this runs.
python3 - "$TMP/kept/whydrop-recording.json" << 'END'
import json, sys
kept = json.load(open(sys.argv[1]))
kept["namespaces"][0]["name"] = "host"
json.dump(kept, open(sys.argv[1], "w"))
END

# log PHASE PYTHON BYTES: the log that a look found
log() {
	python3 -c 'import sys; open(sys.argv[1], "wb").write(eval(sys.argv[2]))' \
		"$TMP/kept/$inode/$1/made/kernel-log" "$2"
}

# Whatever the log holds: an answer, in clean text and in JSON that others can read.
clean() { # clean WHAT
	run "$WHYDROP" --all --from "$TMP/kept"
	[[ $STATUS = [013] ]] && [ ! -s "$ERR" ] || fail "$1: status $STATUS" "$ERR"
	python3 -c '
import sys
text = open(sys.argv[1], "rb").read()
text.decode()
bad = [c for c in text if c < 32 and c != 10 or c == 127]
sys.exit("control characters: %r" % bad if bad else 0)' "$OUT" > "$ERR" 2>&1 || fail "$1: its text" "$ERR"
	run "$WHYDROP" --json --from "$TMP/kept"
	[[ $STATUS = [013] ]] && [ ! -s "$ERR" ] || fail "$1: status $STATUS in JSON" "$ERR"
	python3 -c '
import json, sys
json.loads(open(sys.argv[1], "rb").read().decode())' "$OUT" 2> "$ERR" || fail "$1: its JSON" "$ERR"
	cp "$OUT" "$TMP/said.json"
	run "$WHYDROP" record --scrub --from "$TMP/kept" "$TMP/scrubbed"
	[[ $STATUS = [013] ]] || fail "$1: scrubbing it: status $STATUS" "$ERR"
	rm -rf "$TMP/scrubbed"
}

# As devkmsg_read escapes, and as no kernel would print it.
log a 'b"6,10,5000000,-;something else\n"'
log b 'b"4,20,6000000,-;Set \\x1b[31mred\\xff is full, maxelem 10 reached\n"'
clean "escaped bytes"
# The line is told at all: the test is not void.
json "any('maxelem 10 reached' in (e.get('text') or '') for f in found('nflog-set-full') for e in f['evidence'])" \
	"$TMP/said.json" > "$OUT" || fail "the line is not told" "$TMP/said.json"
log b 'b"4,20,6000000,-;Set \x1b]0;title\x07\x9b31m\xff\xfe\x80 is full, maxelem 10 reached\n"'
clean "raw bytes"
json "any('maxelem 10 reached' in (e.get('text') or '') for f in found('nflog-set-full') for e in f['evidence'])" \
	"$TMP/said.json" > "$OUT" || fail "the line with raw bytes is not told" "$TMP/said.json"
log b 'b"4,20,6000000,-;Set a\0b is full, maxelem 10 reached\n"'
clean "a NUL within a line"
log b 'b"\0\0\0\n4,20,6000000,-;\0\n"'
clean "lines of NULs"
log b 'bytes(range(256)) * 40'
clean "every byte there is"
log b 'b"4,20,6000000,-;" + b"\xc3" * 9000 + b" is full, maxelem 1\n"'
clean "a line without end, of half characters"
log b 'b"4,99999999999999999999,6000000,-;nf_conntrack: table full\n"'
clean "a number beyond 64 bits"
finish
