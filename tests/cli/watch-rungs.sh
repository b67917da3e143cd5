#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# watch on every rung of the ladder that this kernel has: each tells the same 1,000 packets, and
# says what it hides. drop_monitor is there only where its module is loaded (tests/vm does).
. "$(dirname "$0")/../lib.sh"
need_root "private network namespaces, and tracing"

client='' server=''
space client
space server
# Another number than at the other end: drop_monitor tells nothing else of where a packet was.
ip link add eth0 index 8301 netns "$client" type veth peer name eth0 index 8302 netns "$server" &&
	ip -n "$client" link set eth0 up && ip -n "$server" link set eth0 up || skip "no veth here"
await 5 carrier "$server" || echo "no carrier"
REFERENCES=/sys/module/drop_monitor/refcnt

# Frames of a protocol that nobody else uses: each is one drop, in the server.
lose() { # lose N
	ip netns exec "$client" "$GEN" raw eth0 \
		"ffffffffffff02000000000188b5$(printf '00%.0s' {1..46})" -n "$1" --rate 2000 > "$TMP/sent"
}

watch() { # watch [COMMAND...] -- OPTION...: its process is $WATCH
	local fifo=$TMP/ready before=()

	while [ "$1" != -- ]; do
		before+=("$1")
		shift
	done
	shift
	rm -f "$fifo" && mkfifo "$fifo" && chmod 666 "$fifo"
	"${before[@]}" "$WHYDROP" watch --json --ready-fd 9 "$@" 9<> "$fifo" > "$OUT" 2> "$ERR" &
	WATCH=$!
	CHILDREN+=("$WATCH")
	read -r -t 60 -n 1 _ <> "$fifo" || fail "watch $*: not ready after 60 s" "$ERR"
	head -n 1 "$OUT" > "$TMP/first"
}

end() { # end SIGNAL STATUS WHAT
	local status

	kill -"$1" "$WATCH"
	wait "$WATCH" 2> /dev/null
	status=$?
	[ "$status" = "$2" ] || fail "$3: status $status, not $2" "$ERR"
	tail -n 1 "$OUT" > "$TMP/summary"
}

says() { # says FILE EXPRESSION WHAT
	json "$2" "$TMP/$1" > "$TMP/value" 2>&1 || fail "$3: not $2" "$TMP/value" "$TMP/$1"
}

run "$WHYDROP" selfcheck --json
cp "$OUT" "$TMP/selfcheck"
tried=0
for rung in $(json '" ".join(r["rung"] for r in d["rungs"] if r["available"])' "$TMP/selfcheck"); do
	# "ip netns exec" would hide tracefs, which the perf tracepoint needs.
	watch -- --netns "$server" --rung "$rung"
	says first "d['ready']['rung'] == '$rung'" "$rung"
	hides=$(json "[r['hides'] for r in d['rungs'] if r['rung'] == '$rung'][0]" "$TMP/selfcheck")
	says first "(d['ready']['hides'] or '') == '''$hides'''" "$rung"
	lose 1000
	sleep 1.5
	end INT 0 "$rung"
	ours='[l for l in d["summary"]["lines"] if l["ethertype"] == 0x88b5]'
	case $rung in
	counters) says summary "not $ours" "$rung" ;;
	*)
		says summary "sum(l['total'] for l in $ours) == 1000" "$rung"
		says summary "{l['symbol'] for l in $ours} == {'__netif_receive_skb_core'}" "$rung"
		says summary "{l['reason'] for l in $ours} <= {'UNHANDLED_PROTO', 'NOT_SPECIFIED'}" "$rung"
		# drop_monitor's packets are placed only where all namespaces may be looked into.
		says summary "{l['netns'] and l['netns']['name'] for l in $ours} <=
			({'$server', None} if '$rung' == 'net_dm' else {'$server'})" "$rung"
		;;
	esac
	tried=$((tried + 1))
done
[ "$tried" -ge 3 ] || fail "only $tried rungs here"

# ---- drop_monitor: one for the whole host, and off again ----

if [ ! -e $REFERENCES ]; then
	echo "note: drop_monitor is not loaded"
	finish
fi
is_on() { [ "$(cat $REFERENCES)" != 0 ]; }

! is_on || fail "drop_monitor is on after all that"
for signal in INT TERM; do
	watch -- --rung net_dm
	is_on || fail "watch --rung net_dm: it is not on"
	run "$WHYDROP" watch --rung net_dm -t 0.5
	[ "$STATUS" = 2 ] && grep -q "somebody else uses it" "$ERR" || fail "a second one: status $STATUS" "$ERR"
	is_on || fail "a second one turned it off"
	end $signal 0 "net_dm, SIG$signal"
	! is_on || fail "SIG$signal: it was left on"
done
# Nobody can clean up behind kill -9; the next one does.
watch -- --rung net_dm
end KILL 137 "net_dm, SIGKILL"
is_on || fail "after SIGKILL it is off: the test sees nothing"
watch -- --netns "$server" --rung net_dm
lose 100
sleep 1
end INT 0 "net_dm, left on"
says summary 'sum(l["total"] for l in d["summary"]["lines"] if l["ethertype"] == 0x88b5) == 100' \
	"net_dm, left on"
! is_on || fail "what was left on was not turned off"

# Where BPF cannot be had (no BTF, as far as can be seen) the ladder ends here, for watch; diagnose
# turns nothing on.
: > "$TMP/empty"
without=(unshare -m bash -c "mount --bind '$TMP/empty' /sys/kernel/btf/vmlinux && exec \"\$@\"" -)
watch "${without[@]}" --
says first 'd["ready"]["rung"] == "net_dm"' "without BTF"
end INT 0 "without BTF"
! is_on || fail "without BTF: it was left on"
run "${without[@]}" "$WHYDROP" -t 0.3 --json
json 'd["ledger"]["tracing"] is None' > /dev/null || fail "diagnose turns drop_monitor on" "$OUT"
run "${without[@]}" "$WHYDROP" selfcheck --json
json 'd["watching"] == "net_dm" and d["tracing"] is None' > /dev/null || fail "selfcheck: net_dm" "$OUT"
! is_on || fail "selfcheck or diagnose left it on"
finish
