# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the test scripts of meta/ and cli/ share. Each script is one test: exit 0 is success, 77 a
# skip with its reason on the last line; what failed is printed. A script calls `finish` at its end.
#
#   $WHYDROP $GEN       the programs (WHYDROP and GEN of the environment go before build/)
#   $TMP                a folder of this script, removed at the end
#   $OUT $ERR $STATUS   files and exit status of what `run` ran last

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
WHYDROP=${WHYDROP:-$ROOT/build/whydrop}
GEN=${GEN:-$ROOT/build/lab/gen}
TMP=$(mktemp -d /tmp/whydrop-test.XXXXXX) || exit 1
chmod 755 "$TMP"
OUT=$TMP/out ERR=$TMP/err STATUS=
FAILURES=0
SPACES=() CHILDREN=() UNDO=()

# Everything that was made is removed again, also after a signal.
clean_up() {
	local i

	trap '' INT TERM HUP
	if [ ${#CHILDREN[@]} -gt 0 ]; then
		# Waited for, or bash tells of each.
		{ kill -KILL "${CHILDREN[@]}" && wait "${CHILDREN[@]}"; } 2> /dev/null
	fi
	for i in "${SPACES[@]}"; do
		ip netns pids "$i" 2> /dev/null | xargs -r kill -KILL 2> /dev/null
	done
	for ((i = ${#UNDO[@]} - 1; i >= 0; i--)); do
		eval "${UNDO[i]}" 2> /dev/null
	done
	for i in "${SPACES[@]}"; do
		ip netns del "$i" 2> /dev/null
	done
	rm -rf "$TMP"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

undo() { # undo COMMAND...: at the end, last first
	UNDO+=("$(printf '%q ' "$@")")
}

skip() {
	echo "$*"
	exit 77
}

need_root() {
	[ "$(id -u)" = 0 ] || skip "needs root: $*"
}

# A mark in the lab's manner: tests of other runs have other names.
space() { # space VARIABLE: a network namespace of our own, with lo up
	local name=wt$$-${#SPACES[@]}

	SPACES+=("$name")
	if ! { ip netns add "$name" && ip -n "$name" link set lo up; }; then
		echo "cannot make a network namespace"
		exit 1
	fi
	printf -v "$1" %s "$name"
}

# A veth between two namespaces: 192.0.2.1 (eth0) -- 192.0.2.2 (eth0)
wire() { # wire CLIENT SERVER
	ip link add eth0 netns "$1" type veth peer name eth0 netns "$2" &&
		ip -n "$1" addr add 192.0.2.1/24 dev eth0 && ip -n "$1" link set eth0 up &&
		ip -n "$2" addr add 192.0.2.2/24 dev eth0 && ip -n "$2" link set eth0 up
	await 5 carrier "$2" || echo "no carrier in $2"
}

# 192.0.2.1 (eth0) -- 192.0.2.254 (to-client), 198.51.100.254 (to-server) -- 198.51.100.1 (eth0)
route_between() { # route_between CLIENT ROUTER SERVER
	join_router "$1" 192.0.2.1 "$2" to-client 192.0.2.254
	join_router "$3" 198.51.100.1 "$2" to-server 198.51.100.254
	ip netns exec "$2" sysctl -qw net.ipv4.ip_forward=1
	await 5 carrier "$3" || echo "no carrier in $3"
}
join_router() { # join_router NAMESPACE ADDRESS ROUTER DEVICE ADDRESS
	ip link add eth0 netns "$1" type veth peer name "$4" netns "$3" &&
		ip -n "$1" addr add "$2/24" dev eth0 && ip -n "$1" link set eth0 up &&
		ip -n "$3" addr add "$5/24" dev "$4" && ip -n "$3" link set "$4" up &&
		ip -n "$1" route add default via "$5"
}

carrier() { ip -n "$1" -o link show eth0 | grep -q LOWER_UP; }

await() { # await SECONDS COMMAND...: until it succeeds
	local end=$(($(now_ms) + $1 * 1000))

	shift
	until "$@"; do
		[ "$(now_ms)" -lt "$end" ] || return 1
		sleep 0.02
	done
}

now_ms() { echo $(($(date +%s%N) / 1000000)); }

fail() { # fail WHAT [FILE...]: one failure, with what was printed
	FAILURES=$((FAILURES + 1))
	echo "FAILED: $1"
	shift
	for file in "$@"; do
		head -n 12 "$file" | sed 's/^/    | /'
	done
}

run() { # run COMMAND...: bounded; $OUT $ERR $STATUS
	timeout -k 1 30 "$@" > "$OUT" 2> "$ERR"
	STATUS=$?
}

# One line on standard error, nothing on standard output, and a status.
refused() { # refused STATUS PATTERN COMMAND...: what was wrong is named in one line
	local status=$1 pattern=$2 first

	shift 2
	run "$@"
	first=$(head -n 1 "$ERR")
	# A hint at --help may follow the message.
	if [ "$STATUS" != "$status" ] || [ -s "$OUT" ] || ! [[ $first =~ ^whydrop.*$pattern ]] ||
		sed 1d "$ERR" | grep -vq "^Try 'whydrop.* --help'"; then
		fail "'$*': status $STATUS, not $status, or not the one line with '$pattern'" \
			"$ERR" "$OUT"
	fi
}

# An answer: a status among those given, and (text) a pattern in it.
answers() { # answers "STATUS..." PATTERN COMMAND...
	local statuses=$1 pattern=$2

	shift 2
	run "$@"
	[[ " $statuses " = *" $STATUS "* ]] ||
		fail "'$*': status $STATUS, not one of $statuses" "$ERR" "$OUT"
	grep -qE -e "$pattern" "$OUT" || fail "'$*' does not say '$pattern'" "$OUT" "$ERR"
}

# json EXPRESSION [FILE]: a Python expression over the document d; prints it, false if not true
json() {
	python3 -c '
import json, sys
d = json.load(open(sys.argv[2]))
found = lambda cause: [f for f in d.get("findings", []) if f["cause"] == cause or f["via"] == cause]
value = eval("(" + sys.argv[1] + ")")
print(value)
sys.exit(not value)' "$1" "${2:-$OUT}"
}

finish() {
	[ "$FAILURES" = 0 ] || echo "$FAILURES failures in ${0##*/}"
	[ "$FAILURES" = 0 ]
	exit
}
