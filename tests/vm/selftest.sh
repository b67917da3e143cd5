#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# shellcheck disable=SC2317  # many functions are called through check
#
# Checks the harness itself: tests/vm/selftest.sh [KERNEL...]   (6.1 6.12)
# About 50 s for each kernel, once the kernels are there.

set -u

HERE=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P) || exit
readonly HERE

count=0 passed=0 failed=0 skipped=0

# result STATUS NAME: 0 passed, 77 skipped, else failed
result()
{
	count=$((count + 1))
	case $1 in
	0) passed=$((passed + 1)); echo "ok $count - $2" ;;
	77) skipped=$((skipped + 1)); echo "ok $count - $2 # SKIP" ;;
	*) failed=$((failed + 1)); echo "not ok $count - $2" ;;
	esac
}

# check NAME COMMAND...
check()
{
	local name=$1

	shift
	"$@"
	result $? "$kernel: $name"
}

vm() { "$HERE/run" "$@"; }

# reports STATUS TEXT ARGUMENT...: run ends with STATUS and says TEXT
reports()
{
	local status=$1 text=$2 said

	shift 2
	said=$(vm "$@" 2>&1)
	[[ $? == "$status" && $said == *"$text"* ]] && return
	echo "# ${said//$'\n'/$'\n'# }"
	return 1
}

same_output()
{
	# "2>&1" makes it one stream; longer than any buffer on the way
	[[ $(vm "$kernel" -- bash -c 'seq 300000; echo end >&2' 2>&1 | cksum) == \
		"$( (seq 300000; echo end) | cksum)" ]]
}

streams_apart()
{
	[[ $(vm "$kernel" -- bash -c 'echo out; echo err >/dev/stderr' 2>/dev/null) == out ]]
}

reader_leaves()
{
	[[ $(vm "$kernel" -- yes 2>"$scratch/errors" | head -n 1) == y ]] &&
		grep -q "nobody reads" "$scratch/errors"
}

# Two guests at once: neither waits for the other nor sees its files.
two_at_once()
{
	local first second pid

	vm "$kernel" -- bash -c 'exit 3' &
	pid=$!
	second=$(vm "$kernel" -- echo two)
	wait "$pid"
	first=$?
	[[ $first == 3 && $second == two ]]
}

# Whatever ends run, SIGKILL too, ends QEMU: the only process whose arguments have our marker.
ends_with_run()
{
	local signal=$1 marker="selftest.$$.$RANDOM" pid tries=0

	# not by vm(): the process to be signalled would be a subshell
	"$HERE/run" --append "$marker" "$kernel" -- sleep 60 &
	pid=$!
	until qemu_has "$marker"; do
		((++tries < 100)) || break
		sleep 0.2
	done
	kill -"$signal" "$pid"
	wait "$pid" 2>/dev/null
	sleep 0.5
	((tries < 100)) && ! qemu_has "$marker"
}

qemu_has()
{
	local file

	for file in /proc/[0-9]*/cmdline; do
		{ tr '\0' ' ' <"$file"; } 2>/dev/null | grep -q "^qemu-system.*$1" && return
	done
	return 1
}

guest_side()
{
	local name status

	echo "from the host" >"$scratch/from-host"
	vm --scratch "$scratch" "$kernel" -- bash tests/vm/selftest-guest >"$scratch/results"
	check "exit status 7 comes through" test $? = 7
	while read -r name status; do
		result "$status" "$kernel: ${name//_/ }"
	done <"$scratch/results"
	check "every check in the guest ran" test "$(wc -l <"$scratch/results")" = 13
	check "the host reads what the guest wrote" grep -q "^from $kernel" "$scratch/from-guest"
}

one_kernel()
{
	check "it can be prepared" vm --prepare "$kernel"
	guest_side
	check "exit status 0 comes through" vm "$kernel" -- true
	check "long output is complete" same_output
	check "stdout and stderr stay apart" streams_apart
	check "a process left behind does not hold the guest" reports 0 "" --timeout 60 "$kernel" \
		-- bash -c 'sleep 1000 & exit 0'
	check "the time limit is reported" reports 124 "vm: time limit of 8 s" --timeout 8 \
		"$kernel" -- sleep 100
	check "a panic is reported" reports 123 "kernel panicked: Kernel panic" "$kernel" \
		-- bash -c 'echo c >/proc/sysrq-trigger'
	# stands for a hang: the process that beats is stopped, with all other children of pid 1
	# shellcheck disable=SC2016
	check "a hang is reported" reports 123 "no sign of life for 6 s" --hang 6 "$kernel" \
		-- bash -c 'kill -STOP $(cat /proc/1/task/1/children); sleep 100'
	check "two guests at once" two_at_once
	check "QEMU ends after SIGTERM" ends_with_run TERM
	check "QEMU ends after SIGKILL" ends_with_run KILL
	check "a reader that leaves ends it" reader_leaves
}

main()
{
	local scratch

	(($#)) || set -- 6.1 6.12
	scratch=$(mktemp -d) || exit
	# shellcheck disable=SC2064  # the directory of now
	trap "rm -rf '$scratch'" EXIT
	for kernel; do
		one_kernel
	done
	echo "1..$count"
	echo "$passed passed, $failed failed, $skipped skipped"
	exit $((failed > 0))
}

main "$@"
