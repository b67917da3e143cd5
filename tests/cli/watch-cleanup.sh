#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What watch leaves behind: nothing, also after kill -9. It lives beside another user of the same
# tracepoint, and it says which rung it stands on where the best one cannot be had.
. "$(dirname "$0")/../lib.sh"
need_root "private network namespaces, and BPF"

client='' server=''
space client
space server
wire "$client" "$server"
ip netns exec "$server" nft -f - <<- END || skip "no nft here"
	table ip t { chain c { type filter hook input priority 0; udp dport 53 counter drop; }; }
END
run "$WHYDROP" selfcheck --json
json 'd["tracing"]' > /dev/null || skip "no drop events here"
best=$(json 'd["tracing"]')

# Frames of a protocol that nobody else uses: each is one drop, in the server.
ETHERTYPE=88b5
lose() { # lose N
	ip netns exec "$client" "$GEN" raw eth0 \
		"ffffffffffff020000000001${ETHERTYPE}$(printf '00%.0s' {1..46})" -n "$1" --rate 2000 \
		> "$TMP/sent"
}

# Starts a watch in the server and waits until it counts: its process is $WATCH.
watch() { # watch [COMMAND...] -- OPTION...
	local fifo=$TMP/ready before=()

	while [ "$1" != -- ]; do
		before+=("$1")
		shift
	done
	shift
	rm -f "$fifo" && mkfifo "$fifo" && chmod 666 "$fifo"
	ip netns exec "$server" "${before[@]}" "$WHYDROP" watch --ready-fd 9 "$@" \
		9<> "$fifo" > "$OUT" 2> "$ERR" &
	WATCH=$!
	CHILDREN+=("$WATCH")
	read -r -t 20 -n 1 _ <> "$fifo" || fail "watch $*: not ready after 20 s" "$ERR"
}

# Of the last line of --json, the summary.
summary() { # summary EXPRESSION
	tail -n 1 "$OUT" > "$TMP/summary"
	json "$1" "$TMP/summary"
}

# ---- what it holds in the kernel, by its own descriptors ----

held() { # held KIND: the ids of a process' programs, maps or links
	cat "/proc/$WATCH/fdinfo/"* 2> /dev/null | awk -v key="$1_id:" '$1 == key { print $2 }' | sort -un
}

gone() { # gone KIND ID...
	local kind=$1 id

	shift
	for id; do
		! bpftool "$kind" show id "$id" > /dev/null 2>&1 || return 1
	done
}

state() { # what else could be left: pins, rules, namespaces; ours have a mark
	find /sys/fs/bpf -mindepth 1 -iname '*whydrop*' 2> /dev/null
	ip netns exec "$server" nft -s list ruleset
	ip netns exec "$client" nft -s list ruleset
	ip netns list | grep -c "^wt$$-"
}

leaves_nothing() { # leaves_nothing SIGNAL STATUS
	local programs maps links status

	state > "$TMP/before"
	watch -- --json
	lose 20
	mapfile -t programs < <(held prog)
	mapfile -t maps < <(held map)
	mapfile -t links < <(held link)
	[ ${#programs[@]} -gt 0 ] && [ ${#maps[@]} -gt 0 ] && [ ${#links[@]} -gt 0 ] ||
		fail "$1: it holds no program, map or link: the test sees nothing"
	! gone prog "${programs[@]}" || fail "$1: bpftool does not know its programs"
	kill -"$1" "$WATCH"
	wait "$WATCH" 2> /dev/null
	status=$?
	[ "$status" = "$2" ] || fail "$1: status $status, not $2" "$ERR" "$OUT"
	# The kernel frees them after a grace period.
	await 10 gone prog "${programs[@]}" || fail "$1: a program is left behind"
	await 10 gone map "${maps[@]}" || fail "$1: a map is left behind"
	await 10 gone link "${links[@]}" || fail "$1: a link is left behind"
	state > "$TMP/after"
	diff "$TMP/before" "$TMP/after" > "$TMP/diff" || fail "$1: it left something" "$TMP/diff"
}

if command -v bpftool > /dev/null; then
	leaves_nothing KILL 137
	leaves_nothing TERM 0
	leaves_nothing INT 0
else
	echo "note: no bpftool here"
fi

# ---- another user of the tracepoint ----

traced='sum(l["total"] for l in d["summary"]["lines"]
	if l["ethertype"] == 0x88b5)'

if command -v perf > /dev/null &&
	perf stat -a -e skb:kfree_skb --filter 'protocol == 34997' -- true > "$TMP/perf" 2>&1; then
	mkfifo "$TMP/go"
	perf stat -x, -o "$TMP/perf" -a -e skb:kfree_skb --filter 'protocol == 34997' \
		-- bash -c "echo > '$TMP/ready2'; cat '$TMP/go'" > /dev/null 2>&1 &
	perf=$!
	CHILDREN+=("$perf")
	await 20 test -e "$TMP/ready2" || fail "perf does not begin"
	watch -- --json
	lose 1000
	kill -INT "$WATCH"
	wait "$WATCH"
	echo > "$TMP/go"
	wait "$perf"
	counted=$(awk -F, '/kfree_skb/ { print $1 }' "$TMP/perf")
	[ "$counted" = 1000 ] || fail "beside watch perf counts $counted of 1000" "$TMP/perf"
	summary "$traced == 1000" > "$TMP/value" 2>&1 ||
		fail "beside perf watch does not count 1000" "$TMP/value" "$TMP/summary"
else
	echo "note: no perf here that counts skb:kfree_skb"
fi

# The line told once a second says when it counts; the map is printed at its end.
if command -v bpftrace > /dev/null &&
	timeout 20 bpftrace -e 'tracepoint:skb:kfree_skb { exit(); } interval:ms:1 { exit(); }' \
		> "$TMP/bpftrace" 2>&1; then
	bpftrace -B line -e 'tracepoint:skb:kfree_skb /args->protocol == 34997/ { @n = count(); }
		interval:ms:200 { printf("counting\n"); }' > "$TMP/bpftrace" 2> "$ERR" &
	bpftrace=$!
	CHILDREN+=("$bpftrace")
	await 30 grep -q counting "$TMP/bpftrace" || fail "bpftrace does not begin" "$ERR"
	watch -- --json
	lose 1000
	kill -INT "$WATCH"
	wait "$WATCH"
	summary "$traced == 1000" > "$TMP/value" 2>&1 ||
		fail "beside bpftrace watch does not count 1000" "$TMP/value" "$TMP/summary"
	kill -INT "$bpftrace"
	wait "$bpftrace"
	grep -qx '@n: 1000' "$TMP/bpftrace" ||
		fail "beside watch bpftrace does not count 1000" <(tail -n 3 "$TMP/bpftrace")
else
	echo "note: no bpftrace here that counts skb:kfree_skb"
fi

# A second watch is one, too; and both at once see all.
watch -- --json
first=$WATCH
second_out=$TMP/second
rm -f "$TMP/ready" && mkfifo "$TMP/ready"
ip netns exec "$server" "$WHYDROP" watch --json --ready-fd 9 9<> "$TMP/ready" \
	> "$second_out" 2> "$ERR" &
second=$!
CHILDREN+=("$second")
read -r -t 20 -n 1 _ <> "$TMP/ready" || fail "the second watch: not ready" "$ERR"
lose 500
kill -INT "$first" "$second"
wait "$first" "$second"
summary "$traced == 500" > "$TMP/value" 2>&1 || fail "the first of two" "$TMP/value" "$TMP/summary"
cp "$second_out" "$OUT"
summary "$traced == 500" > "$TMP/value" 2>&1 || fail "the second of two" "$TMP/value" "$TMP/summary"

# ---- rungs that cannot be had ----

refused 2 "nonsense" "$WHYDROP" watch --rung nonsense
refused 2 "--rung" "$WHYDROP" watch --rung
run "$WHYDROP" selfcheck --json
while read -r rung available; do
	[ "$available" = False ] || continue
	refused 2 "--rung $rung: " "$WHYDROP" watch --rung "$rung" -t 0.5
done < <(json '"\n".join("%s %s" % (r["rung"], r["available"]) for r in d["rungs"])')

told() { # told RUNG WHY: what the ready object says
	head -n 1 "$OUT" > "$TMP/first"
	json "d['ready']['rung'] == '$1' and d['ready']['untraced_errno'] == $2" "$TMP/first" \
		> "$TMP/value" 2>&1 || fail "not rung $1 because of $2" "$TMP/value" "$TMP/first"
}

# Counters go on to tell: the rule's 300 packets, without a drop event.
counters_tell() { # counters_tell WHO rules|nothing
	local status

	ip netns exec "$client" "$GEN" udp-send 192.0.2.2 53 -n 300 --rate 2000 > "$TMP/sent"
	sleep 1.2
	kill -INT "$WATCH"
	wait "$WATCH"
	status=$?
	[ "$status" = 0 ] || fail "$1: status $status" "$ERR"
	[ "$2" = rules ] || return
	summary 'sum(l["total"] for l in d["summary"]["lines"] if l["cause"] == "fw-rule-drop") == 300' \
		> "$TMP/value" 2>&1 || fail "$1: the rule's 300 packets are not told" "$TMP/value" "$TMP/summary"
}

watch -- --json --rung counters
told counters None
counters_tell "counters" rules
watch -- --json --rung "$best"
told "$best" None
kill -INT "$WATCH"
wait "$WATCH"

# Nobody: no rules either, but what anybody may read.
watch setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs -- --json
told counters '"EPERM"'
ip netns exec "$client" "$GEN" udp-send 192.0.2.2 9999 -n 200 --rate 2000 > "$TMP/sent"
counters_tell "nobody" nothing
summary '[(l["how"], l["total"]) for l in d["summary"]["lines"] if l["cause"] == "udp-noport"] ==
	[("counted", 200)]' > "$TMP/value" 2>&1 ||
	fail "nobody: the 200 that UDP counts are not told" "$TMP/value" "$TMP/summary"
watch setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs --
kill -INT "$WATCH"
wait "$WATCH"
grep -q "counters only.*EPERM" "$ERR" && grep -q "CAP_BPF and CAP_PERFMON" "$OUT" ||
	fail "nobody: it does not say what is missing" "$ERR" "$OUT"

# A kernel without BTF, as far as can be seen.
: > "$TMP/empty"
watch unshare -m bash -c "mount --bind '$TMP/empty' /sys/kernel/btf/vmlinux && exec \"\$@\"" - -- --json
# drop_monitor needs none, where its module is loaded.
if [ -e /sys/module/drop_monitor ]; then
	told net_dm None
else
	told counters '"ENOENT"'
fi
counters_tell "without BTF" rules
finish
