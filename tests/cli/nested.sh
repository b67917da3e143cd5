#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Namespaces in namespaces: a network namespace made by a user namespace, in a PID namespace of its
# own, whose only way in is a process; and a /proc that hides the processes of others (hidepid).
. "$(dirname "$0")/../lib.sh"
need_root "namespaces and a /proc of its own"

server='' client=''
space client
space server
wire "$client" "$server"

# ---- three deep: no name, no mount, no number that its own processes would know ----

cat > "$TMP/deep" << 'END'
exec unshare --user --map-root-user --net --pid --fork --kill-child --mount-proc \
	unshare --net --pid --fork --kill-child --mount-proc sh -c 'ip link set lo up; echo ready; exec sleep 60'
END
ip netns exec "$server" sh "$TMP/deep" > "$TMP/deep-says" 2> "$TMP/deep-err" &
CHILDREN+=($!)
outer=$!
if await 5 grep -q ready "$TMP/deep-says"; then
	deepest=$outer
	while child=$(pgrep -P "$deepest" | head -n 1) && [ -n "$child" ]; do deepest=$child; done
	inode=$(stat -Lc %i "/proc/$deepest/ns/net")
	[ "$inode" != "$(stat -Lc %i "/run/netns/$server")" ] || fail "the namespace is not nested"
	run "$WHYDROP" diagnose --json -t 0.3 --netns all
	json "[p for p in d['path'] if p['netns']['inode'] == $inode]" > /dev/null ||
		fail "all namespaces: the deepest is not among them"
	during() { # an own closed port, from inside
		nsenter -t "$deepest" -n "$GEN" udp-send 127.0.0.1 9999 -n 50 --rate 1000 > /dev/null 2>&1
	}
	mkfifo "$TMP/ready"
	"$WHYDROP" diagnose --json -t 1 --netns "$deepest" --ready-fd 9 9<> "$TMP/ready" > "$OUT" 2> "$ERR" &
	pid=$!
	CHILDREN+=("$pid")
	read -r -t 20 -n 1 _ <> "$TMP/ready"
	during
	wait "$pid"
	json "d['netns']['inode'] == $inode and
		[n for n in d['path'] if n['stage'] == 'udp']" > "$TMP/value" 2>&1 ||
		fail "--netns PID of the deepest" "$TMP/value" "$ERR"

	# From inside: what may be seen is seen, the rest is said.
	run nsenter -t "$deepest" -U -n -p -m "$WHYDROP" diagnose --json -t 0.3
	[[ $STATUS = [013] ]] && [ ! -s "$ERR" ] || fail "from inside: status $STATUS" "$ERR"
	json "d['netns']['inode'] == $inode" > /dev/null || fail "from inside: another namespace" "$OUT"
	run nsenter -t "$deepest" -U -n -p -m "$WHYDROP" diagnose --json -t 0.3 --netns all
	[[ $STATUS = [013] ]] && [ ! -s "$ERR" ] || fail "from inside, all: status $STATUS" "$ERR"
	run nsenter -t "$deepest" -U -n -p -m "$WHYDROP" selfcheck
	[[ $STATUS = [03] ]] && [ ! -s "$ERR" ] || fail "from inside, selfcheck: status $STATUS" "$ERR"

	# Gone amid the sample, with all that leads to it
	"$WHYDROP" diagnose --json -t 1 --netns all --ready-fd 9 9<> "$TMP/ready" > "$OUT" 2> "$ERR" &
	pid=$!
	CHILDREN+=("$pid")
	read -r -t 20 -n 1 _ <> "$TMP/ready"
	kill -KILL "$deepest"
	wait "$pid"
	STATUS=$?
	[[ $STATUS = [013] ]] && [ ! -s "$ERR" ] || fail "gone amid the sample: status $STATUS" "$ERR"
	json "[p for p in d['path'] if p['netns']['inode'] == $inode]" > /dev/null ||
		fail "gone amid the sample: what was read of it is gone too"
else
	echo "note: no user namespaces here: $(cat "$TMP/deep-err")"
fi

# ---- hidepid: others' processes do not exist for who is not root ----

ip netns exec "$server" "$GEN" udp-recv 5301 --rcvbuf 4096 --no-read --time 60 > /dev/null &
CHILDREN+=($!)
await 5 eval '[ -n "$(ip netns exec "$server" ss -Hlun "sport = :5301")" ]'
hidden() { # hidden USER OPTION...: in the server's namespace
	local user=$1 pid

	shift
	rm -f "$TMP/ready" && mkfifo -m 666 "$TMP/ready"
	# shellcheck disable=SC2016
	ip netns exec "$server" unshare --mount bash -c 'mount -t proc -o hidepid=2 proc /proc || exit 99
		user=$1; shift; exec setpriv --reuid "$user" --clear-groups --inh-caps=-all "$@"' - "$user" \
		"$WHYDROP" diagnose --json -t 1.5 --ready-fd 9 "$@" 9<> "$TMP/ready" > "$OUT" 2> "$ERR" &
	pid=$!
	CHILDREN+=("$pid")
	read -r -t 20 -n 1 _ <> "$TMP/ready" || fail "hidepid, user $user: not ready" "$ERR"
	ip netns exec "$client" "$GEN" udp-send 192.0.2.2 5301 -n 300 --rate 2000 > /dev/null
	wait "$pid"
	STATUS=$?
}

# The loss is counted; whose socket it is, nobody says.
hidden 65534
[ "$STATUS" = 1 ] && [ ! -s "$ERR" ] || fail "hidepid: status $STATUS" "$ERR" "$OUT"
json "found('udp-rcvbuf-full')[0]['lost']['packets'] > 200" > "$TMP/value" 2>&1 ||
	fail "hidepid: the loss" "$TMP/value"
json "not [s for f in d['findings'] for s in f['subjects'] if (s.get('process') or {}).get('pid')]" \
	> "$TMP/value" 2>&1 || fail "hidepid: an owner that cannot be known" "$TMP/value" "$OUT"
json "[n for n in d['not_examined'] if n['source'] == '/proc/PID']" > "$TMP/value" 2>&1 ||
	fail "hidepid: it does not say that owners could not be read" "$TMP/value"
# Root is shown all of them.
hidden 0
json "[s for f in d['findings'] for s in f['subjects'] if (s.get('process') or {}).get('pid')]" \
	> "$TMP/value" 2>&1 || fail "hidepid, root: no owner" "$TMP/value" "$ERR"
finish
