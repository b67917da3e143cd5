#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Things that go while they are looked at: a namespace, devices, processes. What is lost
# meanwhile is reported all the same.
. "$(dirname "$0")/../lib.sh"
need_root "private network namespaces"

# Runs a diagnosis and, once it has begun, a function beside it.
during() { # during FUNCTION ARGUMENT...: $OUT $ERR $STATUS
	local function=$1 fifo=$TMP/ready pid

	shift
	rm -f "$fifo" && mkfifo "$fifo"
	"$WHYDROP" --ready-fd 9 "$@" 9<> "$fifo" > "$OUT" 2> "$ERR" &
	pid=$!
	CHILDREN+=("$pid")
	read -r -t 10 -n 1 _ <> "$fifo" || fail "not ready after 10 s" "$ERR"
	"$function" > "$TMP/beside" 2>&1 || fail "$function" "$TMP/beside"
	wait "$pid"
	STATUS=$?
}

storm() { # storm COUNT: to a port where nobody listens
	ip netns exec "$client" "$GEN" udp-send 192.0.2.2 9999 -n "$1" --rate 2000
}

reports_storm() { # reports_storm COUNT WHAT
	[ $STATUS = 1 ] && [ ! -s "$ERR" ] || fail "$2: status $STATUS" "$ERR" "$OUT"
	json "found('udp-noport')[0]['lost']['packets'] == $1 and d['verdict'] == 'losing'" \
		> "$TMP/value" 2>&1 ||
		fail "$2: not the $1 packets for the closed port" "$TMP/value" "$OUT"
}

client='' server=''
pair() {
	space client
	space server
	wire "$client" "$server"
}

# ---- devices: one renamed, which carries the loss, one removed, one that comes ----

pair
ip -n "$server" link add gone type veth peer name gone2 netns "$client"
ip -n "$server" link set gone up && ip -n "$client" link set gone2 up
devices() {
	storm 1000
	# Before 6.2 a device must be down for that.
	ip -n "$server" link set eth0 name renamed 2> /dev/null || {
		ip -n "$server" link set eth0 down && ip -n "$server" link set eth0 name renamed &&
			ip -n "$server" link set renamed up && await 5 carrier_back
	}
	ip -n "$server" link del gone
	ip -n "$server" link add gone type veth peer name gone2 netns "$client"
	storm 1000
}
carrier_back() { ip -n "$server" -o link show renamed | grep -q LOWER_UP; }
during devices --json -t 3 --netns "$server"
reports_storm 2000 "devices renamed, removed, come"
# A busy machine is a note.
json "[f['cause'] for f in d['findings'] if f['severity'] != 'info'] == ['udp-noport']" > "$TMP/value" ||
	fail "devices that went are blamed for something" "$TMP/value" "$OUT"

# ---- a namespace: its name goes, its processes go, and it stays to be read ----

pair
deletion() {
	storm 500
	ip netns del "$server"
	storm 500
}
during deletion --json -t 2 --netns "$server"
reports_storm 1000 "a namespace deleted"
json "d['findings'][0]['netns']['name'] == '$server'" > /dev/null ||
	fail "a namespace deleted: its name is lost" "$OUT"

pair
during deletion -t 2 --netns all
[[ $STATUS = [013] ]] && [ ! -s "$ERR" ] || fail "a namespace deleted, of all: $STATUS" "$ERR"
grep -q "udp-noport.*" "$OUT" || fail "a namespace deleted, of all: its loss is not named" "$OUT"

# By a process that ends: a bare namespace without a name, gone with it but for our own hold.
pair
ip netns exec "$server" sleep 60 &
holder=$!
CHILDREN+=("$holder")
await 5 test -e /proc/$holder/ns/net
await 5 eval '[ "$(stat -Lc %i /proc/$holder/ns/net)" = "$(stat -Lc %i "/run/netns/$server")" ]'
end_holder() {
	storm 500
	kill -KILL $holder
	ip netns del "$server"
	storm 500
}
during end_holder --json -t 2 --netns $holder
reports_storm 1000 "the process of a namespace ended"

# A name that leads nowhere
touch "/run/netns/wt$$-left"
undo rm -f "/run/netns/wt$$-left"
refused 2 "'wt$$-left'" "$WHYDROP" -t 0.2 --netns "wt$$-left"
answers "0 1" '.' "$WHYDROP" -t 0.2 --netns all

# ---- processes that end while the owners of their sockets are looked up ----

pair
come_and_go() {
	local i beside=()

	for i in {1..12}; do
		ip netns exec "$server" "$GEN" udp-recv 7000 --no-read --rcvbuf 4096 --time 0.3 &
		beside+=($!)
		ip netns exec "$server" "$GEN" tcp-listen $((7100 + i)) --backlog 1 --no-accept \
			--time 0.15 &
		beside+=($!)
		ip netns exec "$client" "$GEN" udp-send 192.0.2.2 7000 -n 300 --rate 1500
	done
	wait "${beside[@]}"
}
for form in "" --json; do
	# shellcheck disable=SC2086
	"$WHYDROP" -t 4 $form --netns "$server" > "$OUT" 2> "$ERR" &
	pid=$!
	CHILDREN+=("$pid")
	come_and_go > /dev/null 2>&1
	wait "$pid"
	STATUS=$?
	[ $STATUS = 1 ] && [ ! -s "$ERR" ] || fail "sockets that come and go: status $STATUS" "$ERR" "$OUT"
done
json "found('udp-rcvbuf-full') or found('udp-noport')" > /dev/null ||
	fail "sockets that come and go: their loss is not named" "$OUT"
finish
