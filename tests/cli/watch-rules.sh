#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# watch: which firewall rule dropped. Each case sends packets of both families to ports that a rule,
# map or policy drops, and the summary must name it, with all packets and no other rule. Where the
# kernel allows fentry every nf_tables rule is "traced"; else a counter tells, or the headers.
. "$(dirname "$0")/../lib.sh"
need_root "private network namespaces"
command -v nft > /dev/null || skip "no nft here"

V4=40 V6=30
client='' server=''
space client
space server
wire "$client" "$server"
ip -n "$client" addr add fd00:77::1/64 dev eth0 nodad
ip -n "$server" addr add fd00:77::2/64 dev eth0 nodad
# So that nothing but the test's packets is lost: addresses are known, nobody asks for routers.
mac() { ip -n "$1" -o link show eth0 | sed 's/.*ether \([0-9a-f:]*\).*/\1/'; }
ip -n "$client" neigh replace fd00:77::2 lladdr "$(mac "$server")" dev eth0
ip -n "$client" neigh replace 192.0.2.2 lladdr "$(mac "$client" > /dev/null; mac "$server")" dev eth0
ip netns exec "$server" "$GEN" udp-recv 5300 --rcvbuf 4000000 --time 240 > /dev/null &
CHILDREN+=($!)

nft_in() { ip netns exec "$1" nft -f -; }
send() { # send PORT [V4 V6]
	ip netns exec "$client" "$GEN" udp-send 192.0.2.2 "$1" -n "${2:-$V4}" --rate 2000
	ip netns exec "$client" "$GEN" udp-send fd00:77::2 "$1" -n "${3:-$V6}" --rate 2000
} > /dev/null

WATCH=
watch_begin() {
	local fifo=$TMP/ready

	rm -f "$fifo" && mkfifo "$fifo"
	"$WHYDROP" watch --json -n "$server" -i 0.5 --ready-fd 9 9<> "$fifo" > "$OUT" 2> "$ERR" &
	WATCH=$!
	CHILDREN+=("$WATCH")
	read -r -t 20 -n 1 _ <> "$fifo" || fail "watch is not ready after 20 s" "$ERR"
}
watch_end() {
	sleep 0.6 # an interval in which nothing comes, so that the last one's counters have their trace
	kill -INT "$WATCH"
	wait "$WATCH"
	STATUS=$?
	tail -n 1 "$OUT" > "$TMP/summary"
	[ "$STATUS" = 0 ] || fail "watch ended with $STATUS" "$ERR"
}

# The lines of what the firewall dropped: [(rule or None, how, packets, cause)], biggest first
cat > "$TMP/judge.py" <<- 'END'
	import json, sys

	d = json.load(open(sys.argv[1]))["summary"]
	FENTRY = sys.argv[3] == "fentry"
	rules, dark = {}, 0
	for l in d["lines"]:
	    if l["reason"] != "NETFILTER_DROP":
	        continue
	    r = l["rule"]
	    if not r:
	        dark += l["packets"]
	        print("dark:", l["packets"], l["ethertype"], l["cause"], l["reason"], l["symbol"])
	        continue
	    name = "%s %s %s %s" % (r["family"], r["table"], r["chain"], r["handle"] or "policy")
	    n, how, text, causes = rules.get(name, (0, r["how"], r["text"], set()))
	    rules[name] = (n + l["packets"], how, text, causes | {l["cause"]})
	total = sum(n for n, *_ in rules.values()) + dark
	def only(name, packets, *hows):
	    """All packets by one rule, told in one of these ways."""
	    return list(rules) == [name] and not dark and rules[name][0] == packets and rules[name][1] in hows
	def told(nft_how):
	    """How an nf_tables rule is known: the kernel's own word where it may be asked."""
	    return "traced" if FENTRY else nft_how
	ok = eval("(" + sys.argv[2] + ")")
	print(rules, "without a rule:", dark)
	sys.exit(not ok)
END

fentry=no
is() { # is CASE EXPRESSION
	python3 "$TMP/judge.py" "$TMP/summary" "$2" "$fentry" > "$TMP/value" 2>&1 ||
		fail "$1: not $2" "$TMP/value" "$ERR"
	echo "$1: $(tail -n 1 "$TMP/value")" >> "$TMP/all"
}
handle() { # handle CHAIN PATTERN: of the rule of table inet t
	ip netns exec "$server" nft -a list chain inet t "$1" | grep -e "$2" | sed 's/.*# handle //' | head -n 1
}
both=$((V4 + V6))

# ---- a rule that nobody counts tells whether this kernel names rules by itself ----

nft_in "$server" <<- END
	table inet t { chain c { type filter hook input priority 0;
		udp dport 5300 accept; udp dport 5301 drop; udp dport 9 drop; }; }
END
watch_begin
send 5301
watch_end
python3 "$TMP/judge.py" "$TMP/summary" 'any(how == "traced" for n, how, *_ in rules.values())' no \
	> /dev/null && fentry=fentry
is "plain, no counter" "only('inet t c $(handle c 5301)', $both, told('only candidate'))"

# ---- one at a time ----

attributed() { # attributed CASE EXPRESSION [PORT]: rules on standard input, of table inet t
	ip netns exec "$server" nft flush ruleset
	nft_in "$server" || { fail "$1: the rules do not load"; return; }
	watch_begin
	send "${3:-5301}"
	watch_end
	is "$1" "$(eval "echo \"$2\"")"
}
attributed "plain, counter" "only('inet t c \$(handle c 5301)', $both, 'counter')" <<- END
	table inet t { chain c { type filter hook input priority 0; udp dport 5301 counter drop; }; }
END
attributed "behind a jump" "only('inet t sub \$(handle sub 5301)', $both, told('only candidate'))" <<- END
	table inet t { chain sub { udp dport 5300 accept; udp dport 5301 drop; }
		chain c { type filter hook input priority 0; tcp dport 1 drop; meta l4proto udp jump sub; }; }
END
attributed "behind a goto" "only('inet t sub \$(handle sub 5301)', $both, told('only candidate'))" <<- END
	table inet t { chain sub { udp dport 5301 drop; udp dport 5302 drop; }
		chain c { type filter hook input priority 0; udp dport 5300-5400 goto sub; udp dport 5301 drop; }; }
END
attributed "verdict map" "only('inet t c \$(handle c vmap)', $both, told('only candidate'))" <<- END
	table inet t { chain c { type filter hook input priority 0;
		udp dport vmap { 5300 : accept, 5301 : drop }; udp dport 5301 drop; }; }
END
attributed "set lookup" "only('inet t c \$(handle c @s)', $both, told('only candidate'))" <<- END
	table inet t { set s { type inet_service; elements = { 5301, 5305 } }
		chain c { type filter hook input priority 0; udp dport @s drop; udp dport 5302 drop; }; }
END
attributed "policy" "only('inet t c policy', $both, 'only candidate', 'by elimination', 'headers matched')" <<- END
	table inet t { chain c { type filter hook input priority 0; policy drop;
		ip6 nexthdr icmpv6 accept; udp dport 5300 accept; udp dport 5302 drop; }; }
END
attributed "prerouting" "only('inet t c \$(handle c 5301)', $both, told('only candidate'))" <<- END
	table inet t { chain c { type filter hook prerouting priority -300; udp dport 5301 drop; }
		chain late { type filter hook input priority 0; udp dport 5301 drop; }; }
END

# ---- iptables, by nf_tables and by its own tables ----

for kind in iptables-nft iptables-legacy; do
	ip netns exec "$server" nft flush ruleset
	if ! ip netns exec "$server" $kind -nL > /dev/null 2>&1; then
		echo "note: no $kind here"
		continue
	fi
	for command in "$kind" "ip6${kind#ip}"; do
		ip netns exec "$server" "$command" -N services
		ip netns exec "$server" "$command" -A services -p udp --dport 5301 -j DROP
		ip netns exec "$server" "$command" -A INPUT -p udp -j services
	done
	watch_begin
	send 5301
	watch_end
	is "$kind" "sorted((r.split()[0], n, how) for r, (n, how, *_) in rules.items()) == sorted([
		('legacy' if 'legacy' in '$kind' else 'ip', $V4, 'counter'),
		('legacy6' if 'legacy' in '$kind' else 'ip6', $V6, 'counter')]) and not dark"
	is "$kind, text" "all('--dport 5301' in text or 'dport 5301' in text for n, how, text, c in rules.values())"
	for command in "$kind" "ip6${kind#ip}"; do
		ip netns exec "$server" "$command" -F
		ip netns exec "$server" "$command" -X services
	done
done

# ---- a rule added while watching, and one taken away ----

for counter in counter ''; do
	ip netns exec "$server" nft flush ruleset
	nft_in "$server" <<- END
		table inet t { chain c { type filter hook input priority 0; tcp dport 1 drop; }; }
	END
	watch_begin
	send 5301 10 10
	nft_in "$server" <<< "add rule inet t c udp dport 5301 $counter drop"
	added=$(handle c 5301)
	send 5301
	watch_end
	is "added while watching, ${counter:-no counter}" \
		"only('inet t c $added', $both, 'counter' if '$counter' else told('only candidate'))"
done

# ---- two at once ----

for counter in counter ''; do
	ip netns exec "$server" nft flush ruleset
	nft_in "$server" <<- END
		table inet t { chain sub { udp dport 5302 $counter drop; }
			chain c { type filter hook input priority 0; udp dport 5301 $counter drop; jump sub; }; }
	END
	watch_begin
	(send 5301) & (send 5302 20 25)
	wait $!
	watch_end
	is "two at once, ${counter:-no counter}" "{r: n for r, (n, *_) in rules.items()} == {
		'inet t c $(handle c 5301)': $both, 'inet t sub $(handle sub 5302)': 45} and not dark"
	is "two at once, ${counter:-no counter}, how" \
		"all(how == ('counter' if '$counter' else told('only candidate')) for n, how, *_ in rules.values())"
done
# ---- rules that fit the same packets: the kernel knows, headers do not, a counter would ----

ip netns exec "$server" nft flush ruleset
nft_in "$server" <<- END
	table inet t { chain c { type filter hook input priority 0;
		udp dport 5301 meta mark 77 drop; udp dport 5301 meta cpu 0-4095 drop; }; }
END
watch_begin
send 5301
watch_end
is "two that fit" "not dark and sum(n for n, *_ in rules.values()) == $both and
	all(how == told('headers matched') for n, how, *_ in rules.values())"
[ $fentry = no ] || is "two that fit, the right one" "only('inet t c $(handle c cpu)', $both, 'traced')"
if [ $fentry = no ]; then
	rm -f "$TMP/ready" && mkfifo "$TMP/ready"
	"$WHYDROP" -t 2 --json -n "$server" --ready-fd 9 9<> "$TMP/ready" > "$OUT" 2> "$ERR" &
	WATCH=$!
	CHILDREN+=("$WATCH")
	read -r -t 20 -n 1 _ <> "$TMP/ready" || fail "diagnose is not ready after 20 s" "$ERR"
	send 5301
	wait "$WATCH"
	json "found('fw-rule-drop')[0]['confidence'] in ('possible', 'likely') and
		found('fw-rule-drop')[0]['subject']['rule']['how'] == 'headers matched'" > "$TMP/value" 2>&1 ||
		fail "two that fit: how sure it is" "$TMP/value" "$OUT"
	json "[r for r in found('fw-rule-drop')[0]['remedies'] if r['id'] == 'count-rule'][0]['commands'][0]" \
		> "$TMP/command" 2> "$TMP/value" || fail "no command that adds a counter" "$TMP/value" "$OUT"
	bash "$TMP/command" 2> "$TMP/value" || fail "the command that adds a counter" "$TMP/command" "$TMP/value"
	[ "$(ip netns exec "$server" nft list chain inet t c | grep -c 'counter packets 0 bytes 0 drop')" = 1 ] ||
		fail "the command adds no counter" "$TMP/command"
	json "[r for r in found('fw-rule-drop')[0]['remedies'] if r['id'] == 'count-rule'][0]['undo'][0]" \
		> "$TMP/command"
	bash "$TMP/command" 2> "$TMP/value" || fail "its undo" "$TMP/command" "$TMP/value"
	[ "$(ip netns exec "$server" nft list chain inet t c | grep -c 'counter')" = 0 ] ||
		fail "the undo leaves the counter" "$TMP/command"
fi
[ -z "${VERBOSE:-}" ] || cat "$TMP/all"
finish
