#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Several namespaces, each with its own fault or none: each finding names its own namespace.
. "$(dirname "$0")/../lib.sh"
need_root "private network namespaces"

client='' closed='' firewall='' healthy=''
space client
space closed
space firewall
space healthy

# The client is 192.0.2.1 or .5 or .9, its peer 192.0.2.2, .6 or .10.
link() { # link DEVICE NAMESPACE LAST
	ip link add "$1" netns "$client" type veth peer name eth0 netns "$2" &&
		ip -n "$client" addr add "192.0.2.$3/30" dev "$1" && ip -n "$client" link set "$1" up &&
		ip -n "$2" addr add "192.0.2.$(($3 + 1))/30" dev eth0 && ip -n "$2" link set eth0 up
	await 5 carrier "$2" || fail "no carrier in $2"
}
link veth0 "$closed" 1
link veth1 "$firewall" 5
link veth2 "$healthy" 9
ip netns exec "$firewall" nft -f - <<- END || skip "no nft here"
	table ip t { chain c { type filter hook input priority 0; udp dport 53 counter drop; }; }
END
ip netns exec "$healthy" "$GEN" udp-recv 5353 --time 120 > /dev/null &
CHILDREN+=($!)
await 5 eval '[ -n "$(ip netns exec "$healthy" ss -Huln sport = :5353)" ]' ||
	fail "the healthy service does not come up"

send() { ip netns exec "$client" "$GEN" udp-send "$@"; }

# The same traffic beside each diagnosis: 900 lost in one, 600 in another, 800 that arrive.
during() { # during OPTION...
	local fifo=$TMP/ready pid

	rm -f "$fifo" && mkfifo "$fifo"
	"$WHYDROP" -t 2 --ready-fd 9 "$@" 9<> "$fifo" > "$OUT" 2> "$ERR" &
	pid=$!
	CHILDREN+=("$pid")
	read -r -t 20 -n 1 _ <> "$fifo" || fail "not ready after 20 s" "$ERR"
	{
		send 192.0.2.10 5353 -n 800 --rate 2000 &
		CHILDREN+=($!)
		send 192.0.2.2 9999 -n 900 --rate 2000
		send 192.0.2.6 53 -n 600 --rate 2000
		wait $!
	} > "$TMP/sent" 2>&1
	wait "$pid"
	STATUS=$?
	[ ! -s "$ERR" ] || fail "whydrop $*: says something else" "$ERR"
}

is_so() { # is_so EXPRESSION WHAT
	json "$1" > "$TMP/value" 2>&1 || fail "$2" "$TMP/value" "$OUT"
}

inode() { stat -Lc %i "/run/netns/$1"; }

# Every network namespace that a process or a name holds.
namespaces() { stat -Lc %i /proc/[0-9]*/ns/net /run/netns/* 2> /dev/null | sort -u; }

# Other namespaces of this host may have findings of their own, and may come and go meanwhile.
before=$(namespaces)
during --json --netns all
after=$(namespaces)
[ "$STATUS" = 1 ] || fail "--netns all: status $STATUS, not 1" "$OUT"
where='{"name": "%s", "inode": %s}'
# shellcheck disable=SC2059
in_closed=$(printf "$where" "$closed" "$(inode "$closed")")
# shellcheck disable=SC2059
in_firewall=$(printf "$where" "$firewall" "$(inode "$firewall")")
is_so "[(f['netns'], f['lost']['packets']) for f in d['findings']
	if f['cause'] == 'udp-noport' and f['netns']['name'] == '$closed'] == [($in_closed, 900)]" \
	"--netns all: the closed port"
is_so "[(f['netns'], f['lost']['packets']) for f in d['findings']
	if f['cause'] == 'fw-rule-drop' and f['netns']['name'] == '$firewall'] == [($in_firewall, 600)]" \
	"--netns all: the firewall rule"
# Notes may stand beside: a busy machine, ICMP that is kept back.
is_so "sorted(f['cause'] for f in d['findings'] if f['severity'] != 'info' and
	f['netns']['name'] in ('$closed', '$firewall')) ==
	['fw-rule-drop', 'udp-noport']" "--netns all: one finding in each"
for name in "$healthy" "$client"; do
	is_so "not [f for f in d['findings'] if f['severity'] != 'info' and
		f['netns']['name'] == '$name']" "--netns all: $name is healthy"
	is_so "[p for p in d['path'] if p['netns']['name'] == '$name']" "--netns all: $name was looked at"
done
[ "$before" != "$after" ] ||
	is_so "not d['elsewhere']['packets']" "--netns all: nothing lies elsewhere"
is_so "len(set(p['netns']['inode'] for p in d['path'])) == len([p for p in d['path']
	if p['stage'] == 'link' and p['direction'] == 'rx'])" "--netns all: each namespace once"

during --netns all
for name in "$closed" "$firewall"; do
	tr -s '\n ' ' ' < "$OUT" | grep -q "in namespace $name" || fail "--netns all: no word of $name" "$OUT"
done

# Alone the healthy one is healthy, and one line tells of the others.
during --netns "$healthy"
[ "$STATUS" = 0 ] || fail "the healthy one: status $STATUS, not 0" "$OUT"
[ "$(grep -cE '^In other namespaces: .* traced in [0-9]+ of them; whydrop --netns all$' "$OUT")" = 1 ] ||
	fail "the healthy one: no line that tells of the others" "$OUT"
! grep -qE 'udp-noport|fw-rule-drop' "$OUT" || fail "the healthy one is blamed" "$OUT"

during --json --netns "$healthy"
# A busy machine is a note.
is_so "d['verdict'] == 'healthy' and all(f['severity'] == 'info' for f in d['findings'])" \
	"the healthy one, JSON"
is_so "d['elsewhere']['packets'] >= 1500 and d['elsewhere']['namespaces'] >= 2" "the healthy one: elsewhere"

# The one with a fault names its own only.
during --json --netns "$firewall"
is_so "[f['cause'] for f in d['findings'] if f['severity'] != 'info'] == ['fw-rule-drop']" \
	"the firewall one"
is_so "d['netns'] == $in_firewall" "the firewall one: where it looked"
finish
