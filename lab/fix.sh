# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# lab/run --fix: `whydrop fix` judged. The fault is made, fix samples the traffic and applies its
# remedy, the same traffic comes again while it verifies, and rollback must bring back exactly what
# was there before: every setting of every namespace.
#
# A scenario may set, besides what others set: FIX_ANSWER, what --verify must answer
# (stopped unless said otherwise), FIX_WORSE, what it must call worse, FIX_OPTIONS, more options for
# --apply, and FIX_TRAFFIC, the traffic of --verify where that is another.

# fix_sampled TAG STATUSES OPTION...: fix with OPTIONs, the traffic running while it samples
fix_sampled() {
	local tag=$1 wanted=$2 ready said pid status began

	shift 2
	open_fifo ready
	open_fifo said
	(
		{
			"$WHYDROP" fix --json --ready-fd "$ready" --netns "$EXAMINE" -t $SAMPLE_MOST \
				--config /dev/null --journal "$LAB_DIR/journal" "$@" \
				>"$LAB_DIR/$tag.json" 2>"$LAB_DIR/$tag.err" &
			echo $! >&"$said"
			wait $!
			echo $? >&"$said"
			printf x >&"$ready"
		} &
	)
	read -r -t 10 -u "$said" pid
	if ! await_ready "$ready"; then
		kill "$pid" 2>/dev/null
		fail "$tag: never said that it is ready: $(head -n 3 "$LAB_DIR/$tag.err")"
		return 1
	fi
	began=$EPOCHREALTIME
	"${TRAFFIC:-traffic}" >"$LAB_DIR/$tag.traffic" 2>>"$LAB_DIR/log" ||
		echo "traffic: status $? ($tag)" >>"$LAB_DIR/log"
	sleep "$(awk "BEGIN { left = $SECONDS - ($EPOCHREALTIME - $began); print (left > 0) ? left : 0 }")"
	kill -TERM "$pid" 2>/dev/null
	read -r -t $((60 * STRETCH)) -u "$said" status || status=none
	exec {ready}>&- {said}>&-
	[[ " $wanted " = *" $status "* ]] && return
	fail "$tag: exit status $status: $(head -n 3 "$LAB_DIR/$tag.err")"
	return 1
}

# What --verify answered for the cause
fix_answer() {
	python3 - "$LAB_DIR/verify.json" <<-'END'
	import json, sys
	results = json.load(open(sys.argv[1]))["results"]
	print(" ".join(sorted({r["verdict"] for r in results})) or "nothing")
	END
}

# Nothing else may have got worse but what the scenario expects
fix_worse() {
	local worse

	worse=$(python3 - "$LAB_DIR/verify.json" <<-'END'
	import json, sys
	print(" ".join(sorted(w["cause"] for w in json.load(open(sys.argv[1]))["worse"])))
	END
	)
	[ "$worse" = "$FIX_WORSE" ] || fail "verify: got worse: '$worse', and not '$FIX_WORSE'"
}

judge_fix() {
	local answer wanted=${FIX_ANSWER:-stopped} status=0

	case $wanted in useless | fell | grew) status=1 ;; not-comparable) status=3 ;; esac
	state_of_all >"$LAB_DIR/state.before"
	# shellcheck disable=SC2086 # words
	fix_sampled apply 0 --apply --yes $FIX_OPTIONS "$CAUSE" || return
	state_of_all >"$LAB_DIR/state.done"
	cmp -s "$LAB_DIR/state.before" "$LAB_DIR/state.done" && fail "apply: nothing has changed"
	remedied >>"$LAB_DIR/log" 2>&1 || echo "remedied: status $?" >>"$LAB_DIR/log"
	[ -z "$FIX_WORSE" ] || status=1
	TRAFFIC=${FIX_TRAFFIC:-traffic} fix_sampled verify "$status" --verify
	fix_worse
	answer=$(fix_answer)
	[ "$answer" = "$wanted" ] || fail "verify: $answer, and not $wanted"
	"$WHYDROP" fix --rollback all --journal "$LAB_DIR/journal" >"$LAB_DIR/rollback" 2>&1 ||
		fail "rollback: $(tail -n 1 "$LAB_DIR/rollback")"
	state_of_all >"$LAB_DIR/state.undone"
	diff "$LAB_DIR/state.before" "$LAB_DIR/state.undone" >"$LAB_DIR/state.diff" ||
		fail "rollback: not as before: $(sed -n '/^[<>]/p' "$LAB_DIR/state.diff" | head -n 3)"
}

play_fix() {
	prepare || return
	fault >>"$LAB_DIR/log" 2>&1 || echo "fault: status $?" >>"$LAB_DIR/log"
	judge_fix
}

# What the row shows: the remedy, and ok or no for applied, verified and restored
fix_columns() {
	local reasons=$LAB_DIR/reasons what

	printf '%s' "$(sed -nE 's/.*"remedy": "([^"]*)".*/\1/p' "$LAB_DIR/apply.json" 2>/dev/null | head -n 1)"
	for what in apply verify rollback; do
		if grep -q "^$what: " "$reasons"; then printf '\tno'; else printf '\tok'; fi
	done
}
