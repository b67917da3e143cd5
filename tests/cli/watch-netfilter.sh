#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# watch: NETFILTER_DROP is one reason for a rule, a policy, a full connection table, a packet that fits
# no connection, and a translation without free ports. All of them in one watch, while the rule
# drops all the time, before connection tracking: each is told apart, with its own number.
. "$(dirname "$0")/../lib.sh"
need_root "private network namespaces"
command -v nft > /dev/null || skip "no nft here"

client='' router='' server=''
space client
space router
space server
route_between "$client" "$router" "$server"
ip netns exec "$server" "$GEN" udp-recv 5300 --rcvbuf 4000000 --time 240 > /dev/null &
CHILDREN+=($!)
ip netns exec "$server" "$GEN" udp-recv 5301 --rcvbuf 4000000 --time 240 > "$TMP/translated" &
translated=$!
CHILDREN+=("$translated")
ip netns exec "$server" "$GEN" udp-recv 5304 --rcvbuf 4000000 --time 240 > "$TMP/tracked" &
tracked=$!
CHILDREN+=("$tracked")

# The limit is the whole host's: the lab's lock keeps others from being hit by it.
MAX=/proc/sys/net/netfilter/nf_conntrack_max
exec 8> /run/whydrop-lab.lock
flock -w 300 8 || skip "the lab holds its lock"
ip netns exec "$router" nft -f - <<- END || skip "this kernel has no such rules"
	table inet t {
		chain early { type filter hook prerouting priority -100; ct state invalid counter drop; }
		chain raw { type filter hook prerouting priority -300; udp dport 5302 drop; }
		chain input { type filter hook input priority 0; policy drop; udp dport 1 accept; }
		chain post { type nat hook postrouting priority 100;
			udp dport 5301 snat ip to 198.51.100.254:2000-2003; masquerade; }
	}
END
[ -e $MAX ] || skip "this kernel has no connection tracking"
undo eval "echo $(cat $MAX) > $MAX"
ip netns exec "$router" sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0
send() { ip netns exec "$client" "$GEN" udp-send "$@" > /dev/null; }
send 198.51.100.1 5300 -n 20 # neighbours are known now

rm -f "$TMP/ready" && mkfifo "$TMP/ready"
"$WHYDROP" watch --json -n "$router" -i 0.5 --ready-fd 9 9<> "$TMP/ready" > "$OUT" 2> "$ERR" 8>&- &
watch=$!
CHILDREN+=("$watch")
read -r -t 20 -n 1 _ <> "$TMP/ready" || fail "watch is not ready after 20 s" "$ERR"

# An interval that began after what came before: where looking takes long (an emulated kernel) its
# counters end long after its trace.
apart() {
	local lines

	lines=$(wc -l < "$OUT")
	await 30 eval '[ "$(wc -l < "$OUT")" -ge '$((lines + 2))' ]' || fail "no interval in 30 s" "$ERR"
}
(send 198.51.100.1 5302 -n 2500 --rate 500) &
rule=$!
sleep 0.3
send 192.0.2.254 5303 -n 300 --rate 1000
apart
send 198.51.100.1 5301 -n 300 --sockets 300 --rate 1000
apart
client_mac=$(ip -n "$client" -o link show eth0 | sed 's/.*ether \([0-9a-f:]*\).*/\1/')
router_mac=$(ip -n "$router" -o link show to-client | sed 's/.*ether \([0-9a-f:]*\).*/\1/')
ip netns exec "$client" "$GEN" raw eth0 --tcp A --from 192.0.2.1 --to 198.51.100.1 --to-port 5300 \
	--dmac "$router_mac" --smac "$client_mac" -n 250 --rate 1000 --source-ports 50 > /dev/null
apart
echo 200 > $MAX
send 198.51.100.1 5304 -n 600 --sockets 600 --rate 1000
wait $rule
sleep 0.8
{ kill -INT "$watch"; wait "$watch"; } 2> /dev/null
tail -n 1 "$OUT" > "$TMP/summary"
kill -TERM "$translated" "$tracked"
wait "$translated" "$tracked" 2> /dev/null
received() { sed -n 's/.*received=\([0-9]*\).*/\1/p' "$1"; }
nat=$((300 - $(received "$TMP/translated"))) full=$((600 - $(received "$TMP/tracked")))

python3 - "$TMP/summary" "$nat" "$full" > "$TMP/value" 2>&1 <<- 'END' || fail "not told apart" "$TMP/value" "$ERR"
	import json, sys
	d = json.load(open(sys.argv[1]))["summary"]
	nat, full = int(sys.argv[2]), int(sys.argv[3])
	told = {}
	for l in d["lines"]:
	    if l["reason"] == "NETFILTER_DROP":
	        told[l["cause"]] = told.get(l["cause"], 0) + l["packets"]
	truth = {"fw-rule-drop": 2500, "fw-policy-drop": 300, "nat-port-exhaustion": nat,
	         "conntrack-invalid": 250, "conntrack-table-full": full}
	print("told", told)
	print("truth", truth)
	# Counters end some milliseconds after the trace, at 1000 packets a second: so few may be put to
	# another cause that dropped in the same interval.
	wrong = [c for c in set(told) | set(truth) if c and
	         abs(told.get(c, 0) - truth.get(c, 0)) > 25 + truth.get(c, 0) * 0.02]
	print("wrong", wrong)
	rules = {(l["rule"]["chain"], bool(l["rule"]["handle"])) for l in d["lines"] if l["rule"]}
	print("rules", rules)
	assert nat > 200 and full > 200
	assert sum(told.values()) == sum(truth.values()), "a packet is missing, or told twice"
	assert not wrong and rules - {("post", True)} == {("early", True), ("raw", True), ("input", False)}
END
[ -z "${VERBOSE:-}" ] || cat "$TMP/value"
finish
