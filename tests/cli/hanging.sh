#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A source that never answers: a file of /proc whose open does not come back. Its deadline passes,
# it is absent with ETIMEDOUT, everything else is there, and the program ends.
. "$(dirname "$0")/../lib.sh"
need_root "a private mount namespace, and network namespaces"

# Opens of these files wait for a permission that is never given (fanotify(7)), until this ends.
cat > "$TMP/hold.py" << 'END'
import ctypes, os, signal, sys
libc = ctypes.CDLL(None, use_errno=True)
FAN_CLASS_CONTENT, FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD = 0x4, 0x1, 0x10000, -100
group = libc.fanotify_init(FAN_CLASS_CONTENT, os.O_RDONLY)
for path in sys.argv[1:]:
    if group < 0 or libc.fanotify_mark(group, FAN_MARK_ADD, ctypes.c_uint64(FAN_OPEN_PERM),
                                       AT_FDCWD, path.encode()) < 0:
        sys.exit("no fanotify permission events here: " + os.strerror(ctypes.get_errno()))
print("held", flush=True)
signal.pause()
END
: > "$TMP/held-file"
python3 "$TMP/hold.py" "$TMP/held-file" > "$TMP/held" 2>&1 &
CHILDREN+=($!)
await 5 grep -q . "$TMP/held"
[ "$(cat "$TMP/held")" = held ] || skip "$(cat "$TMP/held")"

client='' server=''
space client
space server
wire "$client" "$server"
ip netns exec "$server" "$GEN" udp-recv 5301 --rcvbuf 8192 --no-read --time 240 > /dev/null &
receiver=$!
CHILDREN+=("$receiver")
await 5 grep -q . <(ip netns exec "$server" ss -Hlun 'sport = 5301')

# In the server's namespace (/proc/sys/net is another in each), with a file of /proc that hangs
behind() { # behind FILE-OF-PROC COMMAND...
	# shellcheck disable=SC2016
	nsenter --net="/run/netns/$server" unshare --mount bash -c \
		'mount --bind "$0" "/proc/$1" && shift && exec "$@"' "$TMP/held-file" "$@"
}

# A diagnosis with traffic in it; $TOOK is how long it was, in ms.
diagnose() { # diagnose COMMAND...
	local fifo=$TMP/ready began pid

	rm -f "$fifo" && mkfifo "$fifo"
	began=$(now_ms)
	"$@" --ready-fd 9 9<> "$fifo" > "$OUT" 2> "$ERR" &
	pid=$!
	CHILDREN+=("$pid")
	read -r -t 20 -n 1 _ <> "$fifo" || fail "$*: not ready after 20 s" "$ERR"
	ip netns exec "$client" "$GEN" udp-send 192.0.2.2 9999 -n 300 --rate 3000 > /dev/null
	ip netns exec "$client" "$GEN" udp-send 192.0.2.2 5301 -n 300 --rate 3000 > /dev/null
	if ! await 20 gone "$pid"; then
		fail "$*: goes on after $(($(now_ms) - began)) ms" "$ERR"
		kill -KILL "$pid"
	fi
	wait "$pid"
	STATUS=$?
	TOOK=$(($(now_ms) - began))
}
gone() { ! kill -0 "$1" 2> /dev/null || [[ $(cat "/proc/$1/stat" 2> /dev/null) = *") Z "* ]]; }

# What no source could tell (the limits of a cloud instance) is not examined either, without one.
late() { # late SOURCE WHAT: it alone is missing, and both losses are counted to the packet
	[ "$STATUS" = 1 ] && [ ! -s "$ERR" ] || fail "$2: status $STATUS" "$ERR" "$OUT"
	json "{(n['source'], n['errno']) for n in d['not_examined'] if n['source']} == {('$1', 'ETIMEDOUT')}" \
		> "$TMP/value" 2>&1 || fail "$2: not just $1 is missing" "$TMP/value" "$OUT"
	json "found('udp-noport')[0]['lost']['packets'] == 300" > "$TMP/value" 2>&1 ||
		fail "$2: the packets for a closed port" "$TMP/value" "$OUT"
	json "found('udp-rcvbuf-full')[0]['lost']['packets'] > 200" > "$TMP/value" 2>&1 ||
		fail "$2: the packets for a full buffer" "$TMP/value" "$OUT"
}

limit=sys/net/core/somaxconn limits=/proc/sys/net
programs=("$WHYDROP")
[ ! -x "$ROOT/build-asan/whydrop" ] || programs+=("$ROOT/build-asan/whydrop")
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1 UBSAN_OPTIONS=halt_on_error=1

for program in "${programs[@]}"; do
	# Nothing hangs: the control
	diagnose "$program" diagnose --json -t 1 --netns "$server"
	json "not [n for n in d['not_examined'] if n['source']]" > /dev/null || fail "without a hanging file" "$OUT"

	# Settings are read at the second end, after the counters: it waits 4 s for them.
	diagnose behind $limit "$program" diagnose --json -t 1
	late $limits "a sysctl hangs"
	[ "$TOOK" -gt 4000 ] && [ "$TOOK" -lt 10000 ] || fail "a sysctl hangs: took $TOOK ms"
	json "0.9 < d['interval_s'] < 3" > "$TMP/value" ||
		fail "the interval is not that between the counters" "$TMP/value"

	# One that is also read at each look: it must not cost all the looks their time.
	diagnose behind "$receiver/schedstat" "$program" diagnose --json -t 1
	late /proc/PID "the owner's schedstat hangs"
	[ "$TOOK" -gt 8000 ] && [ "$TOOK" -lt 14000 ] || fail "schedstat hangs: took $TOOK ms"
done

# A recording of it says the same, also scrubbed.
diagnose behind $limit "$WHYDROP" record -t 1 "$TMP/recorded"
[ "$STATUS" = 0 ] || fail "record: status $STATUS" "$ERR"
run "$WHYDROP" diagnose --json --from "$TMP/recorded"
late $limits "a recording"
"$WHYDROP" record --from "$TMP/recorded" --scrub "$TMP/scrubbed" 2> "$ERR" ||
	fail "record --scrub" "$ERR"
run "$WHYDROP" diagnose --json --from "$TMP/scrubbed"
late $limits "a scrubbed recording"

# The text says it in words.
run "$WHYDROP" diagnose --from "$TMP/recorded"
grep -q "^Not examined: .*without $limits (ETIMEDOUT)" "$OUT" ||
	fail "the text does not say that a source timed out" "$OUT"
behind $limit "$WHYDROP" selfcheck > "$OUT" 2> "$ERR"
tr -s '\n ' ' ' < "$OUT" | grep -qE "no $limits .*: Connection timed out" ||
	fail "selfcheck does not say it" "$OUT"
finish
