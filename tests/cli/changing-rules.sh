#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# nft rules that change while they are read: slowly, and as fast as nft can. One rule stays and drops;
# it is named, or the rules are not examined because they changed. No other rule is ever accused.
. "$(dirname "$0")/../lib.sh"
need_root "private network namespaces"

client='' server='' handle=
space client
space server
wire "$client" "$server"
ip netns exec "$server" nft -f - << 'END' || skip "this kernel has no nf_tables"
table inet stays {
	chain jumps { udp dport 7001 counter drop; }
	chain input { type filter hook input priority 0; jump jumps; }
}
END
handle=$(ip netns exec "$server" nft -a list chain inet stays jumps | sed -n 's/.*dport 7001 .*# handle //p')

# Rules before and behind the one that stays, chains, whole tables, and sets that come and go: each
# line is a change of its own. All that is added would drop other ports, and each removes itself.
churn() { # churn SECONDS_BETWEEN
	local i=0 pause=$1

	while [ -e "$TMP/churning" ]; do
		i=$((i + 1))
		cat <<- END
			insert rule inet stays jumps udp dport { 9001, $((9100 + i % 100)) } counter drop
			add chain inet stays extra$i { type filter hook input priority $((i % 50)); policy accept; }
			add rule inet stays extra$i udp dport 9002 drop
			add rule inet stays jumps udp dport vmap { 9003 : drop, 9004 : accept }
			add table inet goes
			add chain inet goes input { type filter hook input priority -1; policy accept; }
			add rule inet goes input udp dport 9005 counter drop
			delete chain inet stays extra$i
			delete table inet goes
		END
		[ "$pause" = 0 ] || sleep "$pause"
		# What was put before and behind the rule is taken away again by handle.
		[ $((i % 20)) != 0 ] || ip netns exec "$server" nft -a list chain inet stays jumps |
			sed -n '/dport 7001/d; s/.*# handle \([0-9]*\)$/delete rule inet stays jumps handle \1/p' |
			grep -v "chain"
	done | ip netns exec "$server" nft -i > /dev/null 2>&1
}

begin_churn() { # begin_churn SECONDS_BETWEEN
	touch "$TMP/churning"
	churn "$1" &
	CHILDREN+=($!)
}

end_churn() {
	rm "$TMP/churning"
	wait "${CHILDREN[-1]}"
}

# What a diagnosis may say: the rule that stays, or that the rules changed.
judge() { # judge FILE: prints "named" or "changed"
	json "(lambda rules, missed:
		'wrong: %s' % rules if any(r['handle'] != $handle or r['chain'] != 'jumps' for r in rules)
		else 'named' if rules
		else 'changed' if missed and all('changed while it was read' in m for m in missed)
		else 'silent')(
		[s['rule'] for f in d['findings'] for s in f['subjects'] if s.get('rule')],
		[n['why'] for n in d['not_examined'] if n['cause'].startswith('fw-')])" "$1"
}

look() { # look: one diagnosis with a loss in it; $OUT, and what it said in $said
	local pid

	rm -f "$TMP/ready" && mkfifo "$TMP/ready"
	timeout -k 1 30 "$WHYDROP" --json -t 0.6 --netns "$server" --ready-fd 9 9<> "$TMP/ready" > "$OUT" 2> "$ERR" &
	pid=$!
	read -r -t 10 -n 1 _ <> "$TMP/ready" || fail "not ready after 10 s" "$ERR"
	ip netns exec "$client" "$GEN" udp-send 192.0.2.2 7001 -n 200 --rate 2000 > /dev/null
	wait "$pid"
	STATUS=$?
	[[ $STATUS = [013] ]] && [ ! -s "$ERR" ] || fail "status $STATUS" "$ERR" "$OUT"
	said=$(judge "$OUT")
}

look
[ "$said" = named ] || fail "rules that stand still: $said" "$OUT"

# ---- a change now and then: asked again, they stand still long enough ----

begin_churn 0.1
for _ in 1 2 3; do
	look
	[ "$said" = named ] || fail "rules that change slowly: $said" "$OUT"
done
end_churn

# ---- as fast as can be ----

begin_churn 0
named=0 changed=0
for _ in {1..8}; do
	look
	case $said in
	named) named=$((named + 1)) ;;
	changed) changed=$((changed + 1)) ;;
	*) fail "rules that change all the time: $said" "$OUT" ;;
	esac
done
timeout -k 1 30 "$WHYDROP" record -t 0.6 --netns "$server" "$TMP/kept" > "$OUT" 2>&1 || fail "record" "$OUT"
timeout -k 1 30 "$WHYDROP" record -t 0.6 --scrub --netns "$server" "$TMP/scrubbed" > "$OUT" 2>&1 ||
	fail "record --scrub" "$OUT"
end_churn
run "$WHYDROP" --json --from "$TMP/kept"
[[ $STATUS = [013] ]] || fail "a recording of it: status $STATUS" "$ERR"
run "$WHYDROP" --json --from "$TMP/scrubbed"
[[ $STATUS = [013] ]] || fail "a scrubbed recording of it: status $STATUS" "$ERR"
answers "0 1 3" '.' "$WHYDROP" --from "$TMP/kept"
echo "named $named times, changed $changed times; tries in a recording: $(find "$TMP/kept" -name 'nft-tables*' | wc -l)"
finish
