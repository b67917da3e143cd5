#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `whydrop watch`: every packet of a storm, once, with its cause, rule and owner; and how it ends.
# STORM=2000000 for as many datagrams of each kind.
. "$(dirname "$0")/../lib.sh"
need_root "private network namespaces"

STORM=${STORM:-200000}
client='' server=''
space client
space server
wire "$client" "$server"
watching() { # watching OPTION...: in the background, until counting runs; $TMP/watch, $WATCH
	"$WHYDROP" watch -n "$server" "$@" > "$TMP/watch" 2> "$TMP/said" &
	WATCH=$!
	CHILDREN+=("$WATCH")
	await 10 grep -q '"ready"\|^watching' "$TMP/watch" "$TMP/said" ||
		fail "watch $* does not begin" "$TMP/said"
}
ends() { # ends [SIGNAL]: with a summary and status 0
	[ -z "${1:-}" ] || kill "-$1" "$WATCH"
	wait "$WATCH"
	STATUS=$?
	[ $STATUS = 0 ] || fail "status $STATUS after ${1:-its time}" "$TMP/said"
}
told() { # told EXPRESSION: of the intervals i, the summary s and its lines
	python3 - "$1" "$TMP/watch" > "$TMP/value" 2>&1 << 'END' || fail "not so: $1" "$TMP/value"
import json, sys
rows = [json.loads(line) for line in open(sys.argv[2])]
assert all(r["schema"] == "whydrop.watch/1" for r in rows)
assert "ready" in rows[0] and "summary" in rows[-1]
ready, s = rows[0]["ready"], rows[-1]["summary"]
i = [r["interval"] for r in rows[1:-1]]
lines = s["lines"]
total = lambda **want: sum(l["total"] for l in lines if all(l[k] == v for k, v in want.items()))
summed = lambda **want: sum(l["packets"] for n in i for l in n["lines"] if all(l[k] == v for k, v in want.items()))
value = eval("(" + sys.argv[1] + ")")
print(value, {(l["cause"], l["how"], l["reason"]): l["total"] for l in lines}, s["missed"])
sys.exit(not value)
END
}
storm() { ip netns exec "$client" "$GEN" udp-send 192.0.2.2 "$1" -n "$2" --time 1000 > /dev/null; }
counter() { ip netns exec "$server" cat /proc/net/snmp | awk -v n="$1" '
	/^Udp:/ { if (!names) { split($0, k); names = 1 } else for (i in k) if (k[i] == n) print $i }'; }

# ---- three storms, each exact ----

ip netns exec "$server" nft -f - << END
table ip watched {
	chain first {
		type filter hook prerouting priority 0
		udp dport 7777 counter drop
	}
}
END
ip netns exec "$server" "$GEN" udp-recv 5300 --no-read --time 3000 > /dev/null &
reader=$!
CHILDREN+=("$reader")
bound() { ip netns exec "$server" ss -Hlun | grep -q :5300; }
await 5 bound || fail "nobody listens"
before=$(counter NoPorts)
watching --json
storm 7777 "$STORM"
storm 9999 "$STORM"
storm 5300 "$STORM"
await 5 sh -c "ip netns exec $server ss -Hlun | grep -q :5300" # the last packet has arrived
sleep 1.2
drops=$(ip netns exec "$server" ss -Hlunm | sed -nE 's/.*skmem:.*,d([0-9]+)\).*/\1/p')
rule=$(ip netns exec "$server" nft list ruleset | sed -nE 's/.*dport 7777 counter packets ([0-9]+) .*/\1/p')
ports=$(($(counter NoPorts) - before))
ends INT
[ "$rule" = "$STORM" ] && [ "$ports" = "$STORM" ] || fail "the storm was not whole: $rule and $ports"
told "s['missed']['total'] == 0"
told "total(cause='fw-rule-drop', how='traced') == $rule == summed(reason='NETFILTER_DROP')"
told "[(l['rule']['table'], l['rule']['chain'], l['total'], l['device']) for l in lines if l['rule']] ==
	[('watched', 'first', $rule, 'eth0')]"
told "[l['rule']['text'] for l in lines if l['rule']] == ['udp dport 7777 counter drop']"
told "total(cause='udp-noport') == $ports == summed(reason='NO_SOCKET')"
told "total(reason='SOCKET_RCVBUFF') == $drops == summed(reason='SOCKET_RCVBUFF')"
told "[(l['owner']['pid'], l['owner']['command']) for l in lines if l['reason'] == 'SOCKET_RCVBUFF'] ==
	[($reader, 'gen')]"
told "s['lost']['total'] == $rule + $ports + $drops and all(l['how'] == 'traced' for l in lines)"

# ---- what leaves no event is counted, and says so ----

ip netns exec "$server" "$GEN" tcp-listen 5301 --backlog 1 --no-accept > /dev/null &
CHILDREN+=($!)
listens() { ip netns exec "$server" ss -Hlnt | grep -q :5301; }
await 5 listens || fail "nobody listens"
watching --json
ip netns exec "$client" timeout 4 "$GEN" tcp-connect 192.0.2.2 5301 -n 8 --parallel 8 --hold 1 > /dev/null 2>&1
sleep 1.2
ends TERM
told "[l['how'] for l in lines if l['cause'] in ('listen-overflow', 'app-accept-slow', 'app-stopped')] == ['counted']"
watching --json --reason NO_SOCKET
ip netns exec "$client" timeout 3 "$GEN" tcp-connect 192.0.2.2 5301 -n 8 --parallel 8 --hold 1 > /dev/null 2>&1
storm 9999 10
sleep 1.2
ends INT
told "s['lost']['total'] == 10 and s['cannot_tell']['total'] > 0"

# ---- while packets are lost it looks more than once an interval: whose queue stays full ----

ip netns exec "$server" "$GEN" udp-recv 5302 --rcvbuf 131072 --slow 10000 > /dev/null &
CHILDREN+=($!)
bound_5302() { ip netns exec "$server" ss -Hlun | grep -q :5302; }
await 5 bound_5302 || fail "nobody listens"
watching --json
ip netns exec "$client" "$GEN" udp-send 192.0.2.2 5302 -n 4000 --size 100 --rate 1000 > /dev/null
ends INT
told "total(cause='app-slow-reader', via='udp-rcvbuf-full') > s['lost']['total'] / 2"

# ---- a packet filter, run in the kernel ----

watching --json 'udp dst port 7777 and src host 192.0.2.1'
storm 7777 300
storm 9999 200
sleep 1.2
ends INT
told "ready['filter'].startswith('udp') and s['lost']['total'] == 300 and s['left_out']['total'] == 200"
told "total(cause='fw-rule-drop') == 300 and [l['rule']['chain'] for l in lines] == ['first']"
told "s['missed']['total'] == 0"

# ---- text: blocks, its time, ctrl-C ----

watching -t 2.5 --all
storm 7777 50
ends
grep -q 'fw-rule-drop' "$TMP/watch" || fail "no line of the rule" "$TMP/watch"
grep -qE '^In all, [23]\.[0-9] s: [0-9,]+ dropped$' "$TMP/watch" || fail "no summary" "$TMP/watch"
awk 'length > 80' "$TMP/watch" > "$TMP/long"
[ ! -s "$TMP/long" ] || fail "lines of more than 80 columns" "$TMP/long"
watching --rung counters --json
storm 9999 500
sleep 1.2
ends INT
told "ready['rung'] == 'counters' and total(cause='udp-noport', how='counted') == 500"

# ---- no rights at all: what is counted, and why no more ----

install -m 755 "$WHYDROP" "$TMP/whydrop"
run setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs "$TMP/whydrop" watch -t 1
[ "$STATUS" = 0 ] || fail "status $STATUS without rights" "$ERR"
grep -q 'counters only, no drop events: EPERM' "$ERR" || fail "it does not say why at once" "$ERR"
grep -q 'Drops are not traced (EPERM)' "$OUT" || fail "the summary does not say it" "$OUT"

# ---- a terminal of 20 columns ----

if command -v tmux > /dev/null; then
	pane() { tmux -S "$TMP/tmux" capture-pane -p > "$TMP/pane"; }
	undo tmux -S "$TMP/tmux" kill-server
	env -u TMUX TERM=xterm tmux -S "$TMP/tmux" -f /dev/null new-session -d -x 20 -y 30 \
		"$WHYDROP watch -n $server; sleep 30"
	shown() { pane && grep -q "$1" "$TMP/pane"; }
	await 10 shown 'nothing' || fail "nothing on a terminal of 20 columns" "$TMP/pane"
	storm 7777 300
	await 5 shown '^ netfilter$' || fail "no line there" "$TMP/pane"
	awk 'length > 20' "$TMP/pane" > "$TMP/long"
	[ ! -s "$TMP/long" ] || fail "wider than the terminal" "$TMP/long"
	grep -q '^ fw-rule-drop$' "$TMP/pane" || fail "words are broken" "$TMP/pane"
	tmux -S "$TMP/tmux" resize-window -x 100 -y 30
	await 5 shown 'netfilter  fw-rule-drop' || fail "not drawn again after a resize" "$TMP/pane"
	tmux -S "$TMP/tmux" send-keys Space
	await 5 shown 'paused' || fail "the space key does not pause" "$TMP/pane"
	tmux -S "$TMP/tmux" send-keys q
	await 5 shown '^In all' || fail "q does not end it" "$TMP/pane"
else
	fail "tmux is not installed"
fi

# ---- bad input ----

refused 2 "does not compile behind 'udp', at 'prot 53'" "$WHYDROP" watch -t 1 'udp prot 53'
refused 2 "the filter is empty" "$WHYDROP" watch -t 1 ''
refused 2 "no such process" "$WHYDROP" watch -t 1 --pid 4194303
refused 2 "nothing-here" "$WHYDROP" watch -t 1 -n nothing-here
refused 2 "no such device here; there are lo, eth0" "$WHYDROP" watch -t 1 -n "$server" --device eth7
refused 2 "no such drop reason; .*NO_SOCKET" "$WHYDROP" watch -t 1 --reason NO_SOKET
refused 2 "no such cause; .*udp-noport" "$WHYDROP" watch -t 1 --cause udp-noprt
refused 2 "rung" "$WHYDROP" watch -t 1 --rung ladder
refused 2 "interval" "$WHYDROP" watch -i 0
finish
