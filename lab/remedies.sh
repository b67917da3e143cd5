# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# lab/run --remedies: whydrop's own remedies judged. The fault is made, the first remedy is typed as
# it stands, the same traffic comes again: the finding must be gone. Then what is to be typed to undo
# it must bring everything back as it was.

# What remedies change, a line each: settings, rules, queues, routes, quotas, stopped processes
state_of_all() {
	local ns pid quota

	[ "$HOST" = 0 ] || sysctl_lines host sysctl
	for ns in "${LAB_SPACES[@]}"; do
		sysctl_lines "$ns" in_ns "$ns" sysctl
		{
			in_ns "$ns" nft -s list ruleset
			in_ns "$ns" iptables-legacy-save | grep '^-'
			in_ns "$ns" ip6tables-legacy-save | grep '^-'
			tc -n "$ns" qdisc show
			ip -n "$ns" route show
			ip -n "$ns" -o link show |
				sed -E 's/^[0-9]+: ([^:@]*).*( mtu [0-9]+).*( qlen [0-9]+).*/\1\2\3/'
			ip -n "$ns" -o address show | awk '{ print $2, $4 }'
			for pid in $(ip netns pids "$ns"); do
				grep -q '^State:.*T' "/proc/$pid/status" && echo "stopped $pid"
			done
		} 2>/dev/null | sed "s/^/$ns /"
	done
	for quota in /sys/fs/cgroup/{,cpu/,freezer/}"$LAB_ID"/{cpu.max,cpu.cfs_quota_us,cgroup.freeze,freezer.state}; do
		[ ! -e "$quota" ] || echo "$quota $(cat "$quota")"
	done
}

sysctl_lines() { # sysctl_lines NAME COMMAND...
	local name=$1

	shift
	# Counts and secrets are no settings.
	"$@" -a -r '^net\.' 2>/dev/null |
		grep -vE 'conntrack_count|fastopen_key|stable_secret|random' | sed "s/\t/ /g; s/^/$name /"
}

# The commands as a person would paste them; one that only looks may fail, the last may not
type_in() { # type_in commands|undo
	timeout 30 bash "$LAB_DIR/remedy.$1" >"$LAB_DIR/remedy.$1.out" 2>&1 && return
	fail "$1: a command failed: $(tail -n 1 "$LAB_DIR/remedy.$1.out")"
	return 1
}

# Each change that is promised is to be seen
check_changes() {
	local key to

	while IFS=$'\t' read -r key to; do
		grep -qF " $key = $to" "$LAB_DIR/state.done" || fail "commands: $key is not $to"
	done <"$LAB_DIR/remedy.changes"
	! cmp -s "$LAB_DIR/state.before" "$LAB_DIR/state.done" || fail "commands: nothing has changed"
}

judge_remedy() {
	local said

	if ! said=$(python3 "$LAB/remedy.py" "$LAB_DIR/fault.json" "$LAB_DIR" 2>&1); then
		fail "remedy: $said"
		return
	fi
	state_of_all >"$LAB_DIR/state.before"
	type_in commands || return
	state_of_all >"$LAB_DIR/state.done"
	check_changes
	remedied >>"$LAB_DIR/log" 2>&1 || echo "remedied: status $?" >>"$LAB_DIR/log"
	sample_whydrop remedied
	type_in undo || return
	state_of_all >"$LAB_DIR/state.undone"
	diff "$LAB_DIR/state.before" "$LAB_DIR/state.undone" >"$LAB_DIR/state.diff" ||
		fail "undo: not as before: $(sed -n '/^[<>]/p' "$LAB_DIR/state.diff" | head -n 3)"
}

play_remedy() {
	prepare || return
	fault >>"$LAB_DIR/log" 2>&1 || echo "fault: status $?" >>"$LAB_DIR/log"
	sample_whydrop fault
	[ -s "$LAB_DIR/reasons" ] || judge_remedy
}

# What the row shows: the remedy, and ok or no for typed, gone and undone
remedy_columns() {
	local reasons=$LAB_DIR/reasons column what

	printf '%s' "$(cat "$LAB_DIR/remedy.id" 2>/dev/null || echo -)"
	for what in commands checks undo; do
		column=ok
		[ -e "$LAB_DIR/remedy.commands" ] || column=-
		! grep -q "^$what: " "$reasons" || column=no
		printf '\t%s' $column
	done
}
