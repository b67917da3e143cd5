#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Two containers and a router between them, all examined: a loss in the router is the router's, and the
# sender, whose TCP says "lost elsewhere", says where. Alone the sender cannot know.
. "$(dirname "$0")/../lib.sh"
need_root "private network namespaces"

client='' router='' server=''
space client
space router
space server
route_between "$client" "$router" "$server"
ip netns exec "$router" nft -f - <<- END || skip "no nft here"
	table ip t { chain c { type filter hook forward priority 0;
		tcp dport 5400 numgen random mod 100 < 8 counter drop; }; }
END
ip netns exec "$server" "$GEN" tcp-listen 5400 --backlog 64 --time 240 > /dev/null &
CHILDREN+=($!)
await 5 eval '[ -n "$(ip netns exec "$server" ss -Htln sport = :5400)" ]' || fail "no server"

during() { # during OPTION...
	local fifo=$TMP/ready pid

	rm -f "$fifo" && mkfifo "$fifo"
	"$WHYDROP" -t 3 --ready-fd 9 "$@" 9<> "$fifo" > "$OUT" 2> "$ERR" &
	pid=$!
	CHILDREN+=("$pid")
	read -r -t 20 -n 1 _ <> "$fifo" || fail "not ready after 20 s" "$ERR"
	ip netns exec "$client" timeout 10 "$GEN" tcp-connect 198.51.100.1 5400 -n 4 --parallel 4 \
		--bytes 3000000 --hold 6 --time 8 > "$TMP/sent" 2>&1 &
	CHILDREN+=($!)
	wait "$pid"
	STATUS=$?
	wait $!
}
is_so() {
	json "$1" > "$TMP/value" 2>&1 || fail "$2" "$TMP/value" "$OUT"
}

during --json --netns "$client"
is_so "[f for f in d['findings'] if f['cause'] in ('tcp-rto', 'tcp-fast-retransmit')
	and f['severity'] != 'info']" "alone: lost elsewhere"

during --json --netns all
is_so "[f['lost']['packets'] for f in d['findings']
	if f['netns']['name'] == '$router' and f['cause'] == 'fw-forward-drop']" "all: the router's loss"
is_so "not [f for f in d['findings'] if f['netns']['name'] == '$client' and f['severity'] != 'info']" \
	"all: the client blames nobody else"
is_so "[f for f in d['findings'] if f['netns']['name'] == '$client' and '$router' in f['headline']
	and f['lost']['packets'] == 0]" "all: the client says where"
is_so "[f['way'] for f in d['findings'] if f['netns']['name'] == '$client' and f['way']][0]['other_end']
	['device'] == 'to-client'" "all: how the client is wired"
is_so "any('$client' in (e.get('text') or '') for f in d['findings']
	if f['netns']['name'] == '$router' for e in f['evidence'])" "all: the router's finding tells the other end"
finish
