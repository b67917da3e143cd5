#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A sick host: hardly any memory, no more processes, a full disk, a CPU that only does softirq.
# It still answers, in time, and says what it could not look at.
. "$(dirname "$0")/../lib.sh"
need_root "cgroups, a small tmpfs and private network namespaces"

client='' server=''
space client
space server
wire "$client" "$server"
ip netns exec "$server" nft -f - <<- END || skip "no nft here"
	table ip t { chain c { type filter hook input priority 0; udp dport 53 counter drop; }; }
END

# Traffic beside a diagnosis, once it has begun; the time it took is in $TOOK (ms).
beside() { # beside "TRAFFIC..." COMMAND...
	local traffic=$1 fifo=$TMP/ready pid began

	shift
	rm -f "$fifo" && mkfifo "$fifo"
	began=$(now_ms)
	"$@" --ready-fd 9 9<> "$fifo" > "$OUT" 2> "$ERR" &
	pid=$!
	CHILDREN+=("$pid")
	read -r -t 10 -n 1 _ <> "$fifo" || fail "$*: not ready after 10 s" "$ERR"
	eval "$traffic" > "$TMP/sent" 2>&1
	wait "$pid"
	STATUS=$?
	TOOK=$(($(now_ms) - began))
}

send() { ip netns exec "$client" "$GEN" udp-send 192.0.2.2 "$@"; }

# ---- 40 MB, and no further process or thread ----

group() { # group: a cgroup with these limits; the files to enter it by in $ENTER
	local v1=/sys/fs/cgroup v2 name=whydrop-test-$$

	v2=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	ENTER=()
	if [ -d $v1/memory ] && [ -d $v1/pids ]; then
		mkdir $v1/memory/$name $v1/pids/$name &&
			echo 40M > $v1/memory/$name/memory.limit_in_bytes &&
			echo 1 > $v1/pids/$name/pids.max &&
			ENTER=("$v1/memory/$name/cgroup.procs" "$v1/pids/$name/cgroup.procs")
		undo rmdir $v1/memory/$name $v1/pids/$name
	elif [ -n "$v2" ]; then
		echo "+memory +pids" > "$v2/cgroup.subtree_control"
		mkdir "$v2/$name" && echo 40M > "$v2/$name/memory.max" &&
			echo 1 > "$v2/$name/pids.max" && ENTER=("$v2/$name/cgroup.procs")
		undo rmdir "$v2/$name"
	fi
} 2> "$TMP/group"

confined() { # confined COMMAND...: in that group
	local file

	for file in "${ENTER[@]}"; do
		echo "$BASHPID" > "$file" || exit 99
	done
	exec "$@"
}

group
if [ ${#ENTER[@]} -gt 0 ]; then
	traffic='send 9999 -n 400 --rate 2000; send 53 -n 200 --rate 2000'
	beside "$traffic" confined "$WHYDROP" -t 1 --json --netns "$server"
	[ "$STATUS" = 1 ] && [ ! -s "$ERR" ] || fail "confined, JSON: status $STATUS" "$ERR" "$OUT"
	[ "$TOOK" -lt 4000 ] || fail "confined: took $TOOK ms"
	json 'found("udp-noport")[0]["lost"]["packets"] == 400 and
		found("fw-rule-drop")[0]["lost"]["packets"] == 200' > "$TMP/value" 2>&1 ||
		fail "confined: the losses are not named" "$TMP/value" "$OUT"
	# Its text is what a child would have told.
	json 'found("fw-rule-drop")[0]["subject"]["rule"]["text_errno"] == "EAGAIN"' \
		> "$TMP/value" 2>&1 ||
		fail "confined: it does not say that the rule's text is missing" "$TMP/value" "$OUT"

	beside "$traffic" confined "$WHYDROP" -t 1 --netns "$server"
	[ "$STATUS" = 1 ] && [ ! -s "$ERR" ] || fail "confined: status $STATUS" "$ERR" "$OUT"
	grep -qE '^ +(. +)?udp-noport' "$OUT" || fail "confined: no udp-noport" "$OUT"
	tr -s '\n ' ' ' < "$OUT" | grep -q "no text from nft: EAGAIN" ||
		fail "confined: it does not say that the rule's text is missing" "$OUT"
	# Also what needs no traffic; timeout is a process of its own.
	(confined "$WHYDROP" selfcheck) > "$OUT" 2> "$ERR"
	STATUS=$?
	[[ $STATUS = [03] ]] || fail "confined selfcheck: status $STATUS" "$ERR"
	(confined "$WHYDROP" -t 1 --netns all) > "$OUT" 2> "$ERR"
	STATUS=$?
	[[ $STATUS = [013] ]] || fail "confined, all namespaces: status $STATUS" "$ERR"
	! grep -qE '^Not (examined|traced).*E(AGAIN|NOMEM)' "$OUT" || fail "confined: sources are missing" "$OUT"
else
	echo "note: no cgroup with memory and pids can be made here"
	cat "$TMP/group"
fi

# ---- a full disk ----

mkdir "$TMP/disk" && mount -t tmpfs -o size=64k none "$TMP/disk" && undo umount "$TMP/disk"
mkdir "$TMP/disk/folder"
cat /dev/zero > "$TMP/disk/fill" 2> /dev/null
cd "$TMP/disk" || exit 1
for form in "" --json; do
	# shellcheck disable=SC2086
	run env TMPDIR="$TMP/disk" HOME="$TMP/disk" "$WHYDROP" -t 0.3 --netns "$server" $form
	[ "$STATUS" = 0 ] && [ ! -s "$ERR" ] || fail "full disk: status $STATUS" "$ERR"
done
refused 2 "'folder'.*No space left" env TMPDIR="$TMP/disk" "$WHYDROP" record -t 0.3 folder
"$WHYDROP" record -t 0.3 - > fill2 2> "$ERR"
[ $? = 2 ] && grep -q "No space left" "$ERR" || fail "a tar file on a full disk" "$ERR"
refused 2 "'folder'" "$WHYDROP" --from folder
refused 2 "'fill2'" "$WHYDROP" --from fill2
cd / || exit 1

# ---- a CPU that only does softirq ----

flood() {
	ip netns exec "$client" taskset -c "$cpu" "$GEN" udp-send 192.0.2.2 9999 -n 20000000 --time 6 \
		> "$TMP/sent" 2>&1 &
	flooding=$!
	CHILDREN+=("$flooding")
}

cpu=$(($(nproc) - 1))
flood
sleep 0.5
began=$(now_ms)
run "$WHYDROP" -t 2 --json --netns "$server"
took=$(($(now_ms) - began))
kill "$flooding" 2> /dev/null
wait "$flooding" 2> /dev/null
[ "$took" -lt 5000 ] || fail "under a flood: 2 s took $took ms"
[ "$STATUS" = 1 ] || fail "under a flood: status $STATUS" "$ERR" "$OUT"
json 'found("udp-noport")[0]["lost"]["packets"] > 20000 and not [n for n in d["not_examined"] if n["source"]]' > "$TMP/value" 2>&1 ||
	fail "under a flood: its loss is not named" "$TMP/value" "$OUT"
echo "note: under a flood of $(json 'int(found("udp-noport")[0]["lost"]["per_second"])') packets/s" \
	"on CPU $cpu, 2 s took $took ms"
finish
