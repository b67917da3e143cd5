#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A reader in a container's cgroup: its finding names engine, container and id, in text and JSON, and
# a recording holds these and nothing else of the engine's file. No engine is needed: the cgroup and
# the file are made here, the file under a tmpfs that only whydrop sees.
. "$(dirname "$0")/../lib.sh"
need_root "cgroups, a small tmpfs and private network namespaces"

id=$(printf '%s' "whydrop-test-$$" | sha256sum | cut -c 1-64)
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
	parent=/sys/fs/cgroup/docker
else
	parent=/sys/fs/cgroup/cpu/docker
fi
[ -d "$parent" ] || undo rmdir "$parent"
mkdir -p "$parent/$id" 2> "$TMP/why" || skip "no cgroup can be made here: $(cat "$TMP/why")"
undo rmdir "$parent/$id"

client='' server=''
space client
space server
wire "$client" "$server"
ip netns exec "$server" "$GEN" udp-recv 5301 --rcvbuf 8192 --no-read --time 240 > /dev/null &
receiver=$!
undo await 3 eval "! kill -0 $receiver"
CHILDREN+=("$receiver")
await 5 eval '[ -n "$(ip netns exec "$server" ss -Huln sport = :5301)" ]' || fail "no receiver"
echo "$receiver" > "$parent/$id/cgroup.procs" || skip "no process can be moved to a cgroup here"

# With an engine's folder that holds one container, and its password
within() { # within COMMAND...
	# shellcheck disable=SC2016
	unshare --mount bash -c 'mount -t tmpfs none /var/lib && d=/var/lib/docker/containers/$0 &&
		mkdir -p "$d" && printf "%s" "{\"Name\": \"/shop_dns\", \"Config\":
			{\"Env\": [\"PASSWORD=hunter2\"]}}" > "$d/config.v2.json" && exec "$@"' "$id" "$@"
}

during() { # during COMMAND...: with traffic that does not fit the buffer
	local fifo=$TMP/ready pid

	rm -f "$fifo" && mkfifo "$fifo"
	within "$@" 9<> "$fifo" > "$OUT" 2> "$ERR" &
	pid=$!
	CHILDREN+=("$pid")
	read -r -t 20 -n 1 _ <> "$fifo" || fail "not ready after 20 s" "$ERR"
	ip netns exec "$client" "$GEN" udp-send 192.0.2.2 5301 -n 500 --rate 2000 > "$TMP/sent" 2>&1
	wait "$pid"
	STATUS=$?
	[ "$STATUS" -le 1 ] || fail "$*: status $STATUS" "$ERR"
}
is_so() {
	json "$1" > "$TMP/value" 2>&1 || fail "$2" "$TMP/value" "$OUT"
}

during "$WHYDROP" -t 1 --ready-fd 9 --netns "$server" --json
is_so "d['findings'][0]['subject']['process']['container'] ==
	{'engine': 'docker', 'id': '$id', 'name': 'shop_dns', 'pod': None}" "JSON: the container"
is_so "d['findings'][0]['subject']['socket']['container']['name'] == 'shop_dns'" "JSON: the socket's"

during "$WHYDROP" -t 1 --ready-fd 9 --netns "$server"
tr -s '\n ' ' ' < "$OUT" | grep -q "docker container shop_dns (${id:0:12})" || fail "text: no container" "$OUT"

during "$WHYDROP" record -t 1 --ready-fd 9 --netns "$server" "$TMP/rec"
! grep -rq hunter2 "$TMP/rec" || fail "the recording holds what is in the engine's file"
run "$WHYDROP" --from "$TMP/rec" --json
is_so "d['findings'][0]['subject']['process']['container']['name'] == 'shop_dns'" "replayed"
finish
