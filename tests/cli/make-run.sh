#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# One command from a fresh clone to an answer, as root and as anybody.
. "$(dirname "$0")/../lib.sh"
git -C "$ROOT" rev-parse --verify -q HEAD > "$OUT" || skip "this is no clone"
unset MAKEFLAGS MFLAGS MAKELEVEL BUILD MESON_FLAGS

fresh() { # fresh FOLDER
	git clone -q "$ROOT" "$TMP/$1" || fail "git clone"
	cd "$TMP/$1" || exit 1
}

make_run() { # make_run [COMMAND TO BECOME ANOTHER]...
	timeout -k 1 300 "$@" make run > "$OUT" 2> "$ERR"
	STATUS=$?
	[ $STATUS = 0 ] || fail "$* make run: status $STATUS" "$ERR" "$OUT"
	# No stage of the build speaks, only the answer.
	grep -v '^ninja: no work to do' "$OUT" | head -n 1 | grep -qE ', Linux [^ ]+, .* s, this namespace$' ||
		fail "$* make run: not the answer alone" "$OUT" "$ERR"
	[ ! -s "$ERR" ] || fail "$* make run: says something else" "$ERR"
}

fresh mine
make_run
# Without a word again, and nothing that git does not know of.
began=$SECONDS
make_run
[ $((SECONDS - began)) -lt 9 ] || fail "make run builds again"
[ -z "$(git status --porcelain)" ] || fail "make run leaves files that git does not ignore"

# A mistake in the build is shown.
rm src/main.c
run make BUILD=build-broken
[ "$STATUS" != 0 ] && grep -q "main.c" "$OUT" "$ERR" || fail "make hides why it fails" "$OUT" "$ERR"

if [ "$(id -u)" = 0 ]; then
	fresh nobodys
	chown -R 65534:65534 .
	make_run setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs env HOME=/nonexistent
fi
finish
