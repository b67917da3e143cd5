#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# watch: what TCP sends again, and its resets, beside the drops and in none of their sums; to the
# segment what the namespace's own counters say.
. "$(dirname "$0")/../lib.sh"
need_root "private network namespaces"

client='' server=''
space client
space server
wire "$client" "$server"
ip -n "$client" addr add fd00:77::1/64 dev eth0 nodad
ip -n "$server" addr add fd00:77::2/64 dev eth0 nodad
tcp() { # tcp NAMESPACE COUNTER
	ip netns exec "$1" nstat -asz "$2" 2> /dev/null | awk -v c="$2" '$1 == c { print $2 }'
}
[ -n "$(tcp "$client" TcpRetransSegs)" ] || skip "no nstat here"

WATCH=
watch_begin() { # watch_begin NAMESPACE OPTION...
	local fifo=$TMP/ready

	rm -f "$fifo" && mkfifo "$fifo"
	"$WHYDROP" watch -i 0.5 --ready-fd 9 -n "$@" 9<> "$fifo" > "$OUT" 2> "$ERR" &
	WATCH=$!
	CHILDREN+=("$WATCH")
	read -r -t 20 -n 1 _ <> "$fifo" || fail "watch is not ready after 20 s" "$ERR"
}
watch_end() {
	sleep 0.3
	kill -INT "$WATCH"
	wait "$WATCH"
	tail -n 1 "$OUT" > "$TMP/summary"
}
is() { # is CASE EXPRESSION over lines, n(kind) and s(kind)
	python3 - "$TMP/summary" "$2" > "$TMP/value" 2>&1 <<- 'END' || fail "$1: not $2" "$TMP/value" "$ERR"
		import json, sys
		d = json.load(open(sys.argv[1]))["summary"]
		t = d["tcp"]
		lines = t["lines"] if t else []
		n = lambda kind: sum(l["packets"] for l in lines if l["kind"] == kind)
		s = lambda kind: sum(l["segments"] for l in lines if l["kind"] == kind)
		print([[l[k] for k in ("kind", "reason", "state", "peer", "local_port", "remote_port", "packets",
		                       "segments")] for l in lines])
		sys.exit(not eval("(" + sys.argv[2] + ")"))
	END
}
connect() { ip netns exec "$client" "$GEN" tcp-connect "$@" > /dev/null 2>&1; }

# ---- a port nobody listens on: the server resets, the client is reset ----

refuse() { connect 192.0.2.2 5401 -n 20; connect fd00:77::2 5401 -n 10; }
watch_begin "$client" --json
refuse
watch_end
python3 -c 'import json, sys; sys.exit(json.load(open(sys.argv[1]))["summary"]["tcp"]["errno"] is not None)' \
	"$TMP/summary" || skip "TCP cannot be traced here"
is "resets received" "sorted((l['state'], l['peer'], l['remote_port'], l['packets']) for l in lines
	if l['kind'] == 'reset-received') == [('SYN_SENT', '192.0.2.0/24', 5401, 20), ('SYN_SENT', 'fd00:77::/64', 5401, 10)]"
is "the server's are elsewhere" "n('reset-sent') == 0 and
	t['elsewhere']['packets'] >= (30 if t['all_resets'] else 0)"

before=$(tcp "$server" TcpOutRsts)
watch_begin "$server" --json
refuse
watch_end
sent=$(($(tcp "$server" TcpOutRsts) - before))
is "resets sent" "not t['all_resets'] or (n('reset-sent') == $sent == 30 and
	sorted((l['reason'], l['state'], l['peer'], l['local_port']) for l in lines) ==
	[('NO_SOCKET', None, '192.0.2.0/24', 5401), ('NO_SOCKET', None, 'fd00:77::/64', 5401)])"

# ---- segments that get lost are sent again ----

ip netns exec "$server" "$GEN" tcp-listen 5400 --backlog 64 --time 240 > /dev/null &
CHILDREN+=($!)
await 5 eval '[ -n "$(ip netns exec "$server" ss -Htln sport = :5400)" ]' || fail "no server"
ip netns exec "$server" nft -f - <<- END || skip "no nft here"
	table inet t { chain c { type filter hook input priority 0;
		tcp dport 5400 numgen random mod 100 < 5 counter drop; }; }
END
before=$(tcp "$client" TcpRetransSegs)
watch_begin "$client" --json
connect 192.0.2.2 5400 -n 3 --parallel 3 --bytes 2000000 --time 6
watch_end
again=$(($(tcp "$client" TcpRetransSegs) - before))
[ "$again" -gt 0 ] || fail "nothing was sent again"
is "sent again" "s('retransmitted') + s('retransmit-failed') == $again and
	all(l['peer'] == '192.0.2.0/24' and l['remote_port'] == 5400 for l in lines)"
is "no drop of this host" "d['lost']['packets'] == 0"

# ---- in words, and what a filter does to it ----

watch_begin "$client"
refuse
watch_end
grep -qE '20 +tcp +reset-received' "$OUT" || fail "the table does not tell of resets" "$OUT"
tr -s '\n ' ' ' < "$OUT" | grep -q 'SYN_SENT, peer in 192.0.2.0/24 port 5401' ||
	fail "the table does not tell whose resets" "$OUT"
watch_begin "$client" --reason NO_SOCKET
refuse
watch_end
tr -s '\n ' ' ' < "$OUT" | grep -q 'resets are not told: --reason does not apply' ||
	fail "it is not said that --reason does not apply" "$OUT"
grep -q 'reset-received' "$OUT" && fail "told all the same" "$OUT"

ip netns exec "$client" python3 -c '
import socket, time
s = [socket.create_connection(("192.0.2.2", 5400)) for i in range(2)]
time.sleep(60)' &
stranger=$!
CHILDREN+=("$stranger")
watch_begin "$client" --json --pid "$stranger"
refuse
watch_end
is "--pid of another" "not lines and t['left_out']['packets'] == 30"
finish
