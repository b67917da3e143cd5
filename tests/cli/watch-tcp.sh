#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# watch: what TCP sends again, its resets, and connections that fail, beside the drops and in none of
# their sums; to the segment what the namespace's own counters say.
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
		print([[l[k] for k in ("kind", "reason", "error", "state", "peer", "local_port", "remote_port",
		                       "packets", "segments")] for l in lines])
		print([(l["cause"], l["reason"], l["symbol"], l["packets"]) for l in d["lines"]])
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

# ---- connections that fail: refused, unreachable, without an answer, given up, and cut off later ----

# In each family four that fail at once and one that lives until its data gets no answer.
cat > "$TMP/fail.py" <<- 'END'
	import errno, socket, sys, time

	def start(family, address, port, timeout_ms=0):
	    s = socket.socket(family, socket.SOCK_STREAM)
	    s.setblocking(False)
	    if timeout_ms:
	        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, timeout_ms)
	    s.connect_ex((address, port))
	    return s
	def outcome(s):
	    for i in range(1000):
	        error = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
	        if error:
	            return errno.errorcode[error]
	        time.sleep(0.01)
	    return "nothing in 10 s"
	wanted, waiting = [], []
	for family, there, nobody in ((socket.AF_INET, "192.0.2.2", "192.0.2.77"),
	                              (socket.AF_INET6, "fd00:77::2", "fd00:77::77"))[:int(sys.argv[1])]:
	    waiting.append(("ECONNREFUSED", start(family, there, 5401)))
	    waiting.append(("EHOSTUNREACH", start(family, nobody, 5402)))
	    waiting.append(("ETIMEDOUT", start(family, there, 5403, 300)))
	    start(family, there, 5403).close()
	    s = socket.create_connection((there, 5404))
	    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 300)
	    s.send(bytes(500))
	    waiting.append(("ETIMEDOUT", s))
	told = [(want, outcome(s)) for want, s in waiting]
	print(told)
	assert all(want == got for want, got in told)
END
ip netns exec "$server" python3 -c '
import socket, time
s = socket.create_server(("::", 5404), family=socket.AF_INET6, dualstack_ipv6=True)
print("ready", flush=True)
time.sleep(120)' > "$TMP/server" &
CHILDREN+=($!)
await 10 grep -qs ready "$TMP/server" || fail "no server"
ip netns exec "$server" nft -f - <<- END
	table inet f { chain c { type filter hook input priority 0;
		tcp dport 5403 drop; tcp dport 5404 meta length > 500 drop; }; }
END
for family in ipv4 ipv6; do # a neighbour that is not there is given up after 0.2 s, not 3 s
	ip netns exec "$client" sysctl -qw net.$family.neigh.eth0.mcast_solicit=1 \
		net.$family.neigh.eth0.retrans_time_ms=200
done
fails() { ip netns exec "$client" python3 "$TMP/fail.py" "$1" > "$TMP/outcome" 2>&1; }

watch_begin "$client" --json
fails 2 || fail "connections fail in another way" "$TMP/outcome"
watch_end
is "how they fail" "sorted((l['kind'], str(l['error']), l['state'], l['peer'], l['remote_port'], l['packets'])
		for l in lines if l['kind'] in ('connect-failed', 'ended')) ==
	sorted((kind, error, 'ESTABLISHED' if kind == 'ended' else 'SYN_SENT', peer, port, 1)
		for peer in ('192.0.2.0/24', 'fd00:77::/64') for kind, error, port in (
			('connect-failed', 'ECONNREFUSED', 5401), ('connect-failed', 'EHOSTUNREACH', 5402),
			('connect-failed', 'ETIMEDOUT', 5403), ('connect-failed', 'None', 5403),
			('ended', 'ETIMEDOUT', 5404)))"
is "resets beside them" "n('reset-received') == 2"
watch_begin "$client" # IPv4 alone: the table shows the busiest eight
fails 1
watch_end
for words in 'Connection refused' 'No route to host' 'Connection timed out' 'given up by the program' \
	'Connection timed out in ESTABLISHED'; do
	tr -s '\n ' ' ' < "$OUT" | grep -q "$words, peer in 192.0.2.0/24 port 540" ||
		fail "the table does not tell: $words" "$OUT"
done

# Where each packet has a line TCP has one for each interval, service and kind.
watch_begin "$client" --events --json
refuse
watch_end
python3 - "$OUT" > "$TMP/value" 2>&1 <<- 'END' || fail "--events --json does not tell of TCP" "$TMP/value" "$OUT"
	import json, sys
	rows = [json.loads(line) for line in open(sys.argv[1])]
	told = {}
	for line in (l for r in rows if "tcp" in r for l in r["tcp"]["lines"]):
	    key = line["kind"], line["error"], line["peer"]
	    told[key] = told.get(key, 0) + line["packets"]
	print(told)
	assert told == {("reset-received", None, "192.0.2.0/24"): 20, ("reset-received", None, "fd00:77::/64"): 10,
	                ("connect-failed", "ECONNREFUSED", "192.0.2.0/24"): 20,
	                ("connect-failed", "ECONNREFUSED", "fd00:77::/64"): 10}
END
watch_begin "$client" --events
refuse
watch_end
[ "$(grep -E '^[0-9:]{8} tcp connect-failed: Connection refused, peer in (192.0.2.0/24|fd00:77::/64) port 5401; ' "$OUT" |
	sed 's/.*; \([0-9]*\) in the last .*/\1/' | awk '{ n += $1 } END { print n }')" = 30 ] ||
	fail "--events does not tell of TCP" "$OUT"

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
tr -s '\n ' ' ' < "$OUT" | grep -q 'failed connections are not told: --reason does not apply' ||
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
# Each is refused by a reset, and fails.
is "--pid of another" "not lines and t['left_out']['packets'] == 60"
finish
