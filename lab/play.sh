# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# One scenario from its topology to its row; the runner gives each a process of its own.

reset_scenario() {
	CAUSE='' ALSO='' TOPOLOGY=pair EXAMINE='' HOST=0 VERDICT='' VIA='' SEVERITY='' BOTH=''
	SAYS=''
	CLEARED='' OWNER='' LOOKS='' PEAK=''
	WITNESS='' STATED=''
	# shellcheck disable=SC2034 # read by fix.sh
	FIX_ANSWER='' FIX_WORSE='' FIX_OPTIONS='' FIX_TRAFFIC=''
	# shellcheck disable=SC2034 # read by lib.sh
	WARM=1 LAB_NOISE=0
	unset SECONDS # bash's own clock; here the length of the sample
	SECONDS=5
	# shellcheck disable=SC2317 # a scenario brings its own
	{
		needs() { :; }
		fault() { :; }
		traffic() { :; }
		heal() { :; }
		remedied() { :; }
	}
}

# A scenario is read twice: its topology decides what $S4 and the like are
load_scenario() {
	reset_scenario
	lab_names pair
	# shellcheck source=/dev/null
	. "$1"
	lab_names "$TOPOLOGY"
	# shellcheck source=/dev/null
	. "$1"
	EXAMINE=${EXAMINE:-$S}
}

lost_in() {
	awk -F= '/^lost=/ { n = $2 } END { print n }' "$1"
}

# Without whydrop: the kernel's counters in its place
sample_counters() {
	local tag=$1 moved

	counters >"$LAB_DIR/$tag.before" 2>/dev/null
	traffic >"$LAB_DIR/$tag.traffic" 2>>"$LAB_DIR/log" || fail "traffic: failed ($tag)"
	counters >"$LAB_DIR/$tag.after" 2>/dev/null
	awk 'NR == FNR { a[$1] = $2; next } $2 != a[$1] { print $1, $2 - a[$1] }' \
		"$LAB_DIR/$tag.before" "$LAB_DIR/$tag.after" >"$LAB_DIR/$tag.moved"
	LOST=$(lost_in "$LAB_DIR/$tag.traffic")
	moved=$(awk -v w=" $WITNESS " 'index(w, " " $1 " ") { n += $2 } END { print n + 0 }' \
		"$LAB_DIR/$tag.moved")
	[ -n "$WITNESS" ] || moved=-
	printf '%s\tlost=%s\t%s=%s\n' "$tag" "${LOST:--}" "${WITNESS:-no counter}" "$moved" >>"$LAB_DIR/notes"
	[ "$DRY" = 0 ] || sed "s/^/    $tag /" "$LAB_DIR/$tag.moved" >>"$LAB_DIR/notes"
	[ "$tag" = healed ] || [ -z "$WITNESS" ] || [ -z "$LOST" ] || [ "$moved" = "$LOST" ] ||
		fail "count: lost=$LOST, but $WITNESS moved by $moved"
	[ "$tag" = fault ] || [ -z "$WITNESS" ] || [ "$moved" -le "${HEALED_MAX:-0}" ] ||
		fail "healed: $WITNESS still moved by $moved"
}

# One read, not one a second: a byte that comes in the moment a read times out is lost with it.
# launch_whydrop writes an x when whydrop ends, so that this does not wait for nothing.
await_ready() {
	local byte

	read -r -n 1 -t 40 -u "$1" byte
	[ "$byte" = r ]
}

# The sample lasts SECONDS, longer if the traffic does: how fast a loaded machine or an emulated one
# sends is not what is tested. A signal ends the sample then, as ctrl-C would; this is its end if
# the traffic has none.
SAMPLE_MOST=60

# Whydrop is no child of this shell, so that a scenario's bare `wait` does not wait for it. It says
# its pid, when it begins, and its exit status on the descriptor $said.
launch_whydrop() {
	(
		{
			# shellcheck disable=SC2086 # words
			"$WHYDROP" diagnose --json --ready-fd "$ready" --netns "$EXAMINE" -t $SAMPLE_MOST \
				--config /dev/null $STATED >"$LAB_DIR/$1.json" 2>"$LAB_DIR/$1.err" &
			echo $! >&"$said"
			wait $!
			echo $? >&"$said"
			printf x >&"$ready"
		} &
	)
	read -r -t 10 -u "$said" pid
}

# With whydrop: the traffic runs while it looks
sample_whydrop() {
	local tag=$1 ready said pid status began

	open_fifo ready
	open_fifo said
	launch_whydrop "$tag"
	if ! await_ready "$ready"; then
		kill "$pid" 2>/dev/null
		fail "whydrop: never said that it is ready ($tag): $(head -n 3 "$LAB_DIR/$tag.err")"
		return
	fi
	began=$EPOCHREALTIME
	traffic >"$LAB_DIR/$tag.traffic" 2>>"$LAB_DIR/log" || echo "traffic: status $? ($tag)" >>"$LAB_DIR/log"
	kill -0 "$pid" 2>/dev/null || fail "traffic: went on for more than $SAMPLE_MOST s ($tag)"
	sleep "$(awk "BEGIN { left = $SECONDS - ($EPOCHREALTIME - $began); print (left > 0) ? left : 0 }")"
	kill -TERM "$pid" 2>/dev/null
	read -r -t $((60 * STRETCH)) -u "$said" status || status=none
	exec {ready}>&- {said}>&-
	[[ $status = [013] ]] || fail "whydrop: exit status $status ($tag): $(head -n 3 "$LAB_DIR/$tag.err")"
	export LOST
	LOST=$(lost_in "$LAB_DIR/$tag.traffic")
	printf '%s\n' "$CAUSE" "$ALSO $BOTH" "$LOST" >"$LAB_DIR/$tag.truth"
	python3 "$LAB/check.py" "$tag" "$LAB_DIR/$tag.json" >"$LAB_DIR/$tag.check"
	tail -n +2 "$LAB_DIR/$tag.check" >>"$LAB_DIR/reasons"
	COLUMNS_OF[$tag]=$(head -n 1 "$LAB_DIR/$tag.check")
}

fail() {
	echo "$*" >>"$LAB_DIR/reasons"
}

is_expected_skip() {
	cat "$LAB/skips.txt" "$DIR/skips.txt" 2>/dev/null |
		awk -v k="$KERNEL" -v n="$NAME" '($1 == k || $1 == "*") && $2 == n { found = 1 }
			END { exit !found }'
}

# What HOST=1 may change it gets back, whatever the scenario forgot
save_host() {
	(cd /proc/sys/net && grep -rs '' core ipv4 ipv6 netfilter nf_conntrack_max | sort) >"$1"
}

restore_host() {
	local line

	save_host "$LAB_DIR/sysctl.now"
	comm -23 "$1" "$LAB_DIR/sysctl.now" | while IFS= read -r line; do
		printf '%s\n' "${line#*:}" >"/proc/sys/net/${line%%:*}"
	done 2>>"$LAB_DIR/log"
}

examine_inode() {
	stat -Lc %i "/run/netns/$EXAMINE" "/proc/$EXAMINE/ns/net" 2>/dev/null | head -n 1
}

# The topology stands, and the kernel can do it
prepare() {
	local status

	lab_topology "$TOPOLOGY"
	needs >"$LAB_DIR/needs" 2>&1
	status=$?
	[ $status = 0 ] || return $status
	INODE=$(examine_inode)
	export CAUSE ALSO BOTH CLEARED OWNER VIA SEVERITY VERDICT INODE LOOKS PEAK
	export SAYS STRETCHED=${STRETCH#1}
}

play() {
	local sample=$1

	prepare || return
	fault >>"$LAB_DIR/log" 2>&1 || echo "fault: status $?" >>"$LAB_DIR/log"
	$sample fault
	[ "$CAUSE" = none ] && return
	heal >>"$LAB_DIR/log" 2>&1 || echo "heal: status $?" >>"$LAB_DIR/log"
	$sample healed
}

run_one() {
	local sample=sample_whydrop columns

	NAME=$1 LAB_DIR=$OUT/$1
	# shellcheck disable=SC2034 # read by lib.sh
	LAB_ID=wl$$-$2
	declare -A COLUMNS_OF=()
	set +u # scenarios need not be that strict
	trap 'exit 143' INT TERM HUP
	trap 'lab_cleanup' EXIT
	: >"$LAB_DIR/reasons"
	[ "$SELFTEST" = 0 ] || sample=sample_counters
	load_scenario "$DIR/$NAME.sh"
	if [ "$HOST" = 1 ]; then
		save_host "$LAB_DIR/sysctl.before"
		trap 'lab_cleanup; restore_host "$LAB_DIR/sysctl.before"' EXIT
	fi
	if [ "$REMEDIES" = 1 ]; then
		play_remedy
	elif [ "$FIX" = 1 ]; then
		play_fix
	else
		play $sample
	fi
	if [ $? = 77 ]; then
		is_expected_skip || fail "skipped, but skips.txt does not expect that for $KERNEL"
		columns=skip
	elif [ "$REMEDIES" = 1 ]; then
		columns=$(remedy_columns)
	elif [ "$FIX" = 1 ]; then
		columns=$(fix_columns)
	else
		columns="${COLUMNS_OF[fault]:-}	$(cut -f 8 <<<"${COLUMNS_OF[healed]:--}")"
	fi
	printf '%s\n' "$columns" >"$LAB_DIR/columns"
}
