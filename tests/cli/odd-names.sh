#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Names as odd as the kernel lets them be: of devices (dev_valid_name(): any byte but blanks, '/' and
# ':'), of namespaces (any byte but '/'), of processes. Each is found and told; nothing of them
# reaches the terminal raw, and JSON stays JSON.
. "$(dirname "$0")/../lib.sh"
need_root "private network namespaces"

client='' server=''
space client
space server
wire "$client" "$server"
devices=($'esc\e[31m' $'raw\xff\xfe' $'bell\a\b' 'quo"te\' '$(reboot)' ';|&<>' "'" '-n' '*' 'ünïcode' $'\x7f')
made=()
for name in "${devices[@]}"; do
	# By python: ip has an opinion of its own on names.
	if ip netns exec "$server" python3 - "$name" << 'END' 2> "$TMP/err"; then
import os, socket, struct, sys
# RTM_NEWLINK of a bridge: header, struct ifinfomsg, IFLA_IFNAME, IFLA_LINKINFO { IFLA_INFO_KIND }
name = os.fsencode(sys.argv[1]) + b"\0"
def attr(kind, data):
    return struct.pack("=HH", 4 + len(data), kind) + data + b"\0" * (-len(data) % 4)
body = struct.pack("=BxHiII", 0, 0, 0, 1, 1) + attr(3, name) + attr(18, attr(1, b"bridge\0"))
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
s.send(struct.pack("=IHHII", 16 + len(body), 16, 0x605, 1, 0) + body)
answer = s.recv(4096)
error, = struct.unpack_from("=i", answer, 16)
sys.exit(f"{sys.argv[1]!r}: {os.strerror(-error)}" if error else 0)
END
		made+=("$name")
	else
		echo "note: $(cat -v "$TMP/err")"
	fi
done
[ ${#made[@]} -gt 8 ] || fail "only ${#made[@]} of the names can be had" "$TMP/err"

# The device that matters has such a name too, and so has the namespace; its program as well.
odd=$'e\e[0m"\xff&s'
name=$'wt '$$$' a\nb\t"c\\\xff\e[31m'
ip -n "$server" link set eth0 down && ip -n "$server" link set eth0 name "$odd" 2> /dev/null &&
	ip -n "$server" link set "$odd" up || fail "the link cannot be called that"
await 5 eval '[ "$(ip -n "$server" -o link show 2> /dev/null | grep -c LOWER_UP)" = 2 ]'
touch "/run/netns/$name" && mount --bind "/run/netns/$server" "/run/netns/$name" ||
	fail "the namespace cannot be called that"
undo rm -f "/run/netns/$name"
undo umount "/run/netns/$name"
program=$TMP/$'p\e[1m "\xff)'
cp "$GEN" "$program"
ip netns exec "$server" "$program" udp-recv 5301 --rcvbuf 4096 --no-read --time 60 > /dev/null &
CHILDREN+=($!)
await 5 eval '[ -n "$(ip netns exec "$server" ss -Hlun "sport = :5301")" ]'

during() { # during OPTION...
	rm -f "$TMP/ready" && mkfifo "$TMP/ready"
	"$WHYDROP" "$@" --ready-fd 9 9<> "$TMP/ready" > "$OUT" 2> "$ERR" &
	local pid=$!
	CHILDREN+=("$pid")
	read -r -t 20 -n 1 _ <> "$TMP/ready" || fail "not ready after 20 s" "$ERR"
	ip netns exec "$client" "$GEN" udp-send 192.0.2.2 9999 -n 400 --rate 2000 > /dev/null
	ip netns exec "$client" "$GEN" udp-send 192.0.2.2 5301 -n 400 --rate 2000 > /dev/null
	wait "$pid"
	STATUS=$?
	[ "$STATUS" = 1 ] && [ ! -s "$ERR" ] || fail "$*: status $STATUS" "$ERR"
}

clean() { # no control character but the line's end, and whole characters
	LC_ALL=C grep -qaP '[\x00-\x09\x0b-\x1f]' "$1" && fail "$2: a control character" <(cat -v "$1")
	python3 -c 'open(__import__("sys").argv[1], encoding="utf-8").read()' "$1" 2> "$TMP/value" ||
		fail "$2: not UTF-8" "$TMP/value"
}

during diagnose --json -t 2 --netns "$name"
json "found('udp-noport')[0]['lost']['packets'] == 400 and
	found('udp-rcvbuf-full')[0]['lost']['packets'] > 300" > "$TMP/value" 2>&1 ||
	fail "the losses" "$TMP/value" "$OUT"
clean "$OUT" "JSON"
during diagnose --all -t 2 --netns "$name"
clean "$OUT" "the text"
during diagnose --json -t 2 --netns all
json "[f for f in found('udp-noport') if f['lost']['packets'] == 400]" > "$TMP/value" 2>&1 ||
	fail "all namespaces: the loss" "$TMP/value"
clean "$OUT" "JSON of all namespaces"
for form in "" --json; do
	# shellcheck disable=SC2086
	run "$WHYDROP" counters --since-boot --netns "$name" $form
	[ "$STATUS" = 0 ] && [ ! -s "$ERR" ] || fail "counters $form: status $STATUS" "$ERR"
	clean "$OUT" "counters $form"
done
for device in "${made[@]}" "$odd"; do
	run "$WHYDROP" diagnose --json -t 0.2 --netns "$server" --device "$device"
	[[ $STATUS = [013] ]] && [ ! -s "$ERR" ] || fail "--device $(printf %q "$device"): status $STATUS" "$ERR"
done
run "$WHYDROP" diagnose -t 0.2 --netns "$server" --device $'no\e[31m\xff'
[ "$STATUS" = 2 ] || fail "a device that is not there: status $STATUS"
clean "$ERR" "the message"

# A namespace that only its mount leads to has its name, whatever is in it.
ip netns add "$name-2" 2> "$TMP/err" || fail "a second namespace of that kind" "$TMP/err"
undo ip netns del "$name-2"
run "$WHYDROP" diagnose --json -t 0.2 --netns all
inode=$(stat -Lc %i "/run/netns/$name-2")
json "[p for p in d['path'] if p['netns']['inode'] == $inode]" > /dev/null ||
	fail "a namespace with blanks in its name is not found"

# Recorded, scrubbed, and read again
"$WHYDROP" record -t 0.5 --netns "$name" "$TMP/recorded" 2> "$ERR" || fail "record" "$ERR"
run "$WHYDROP" diagnose --from "$TMP/recorded"
[[ $STATUS = [013] ]] && [ ! -s "$ERR" ] || fail "the recording: status $STATUS" "$ERR"
clean "$OUT" "the recording"
"$WHYDROP" record --scrub --from "$TMP/recorded" "$TMP/scrubbed" 2> "$ERR" || fail "record --scrub" "$ERR"
LC_ALL=C grep -rqaF -e "$odd" -e "$name" "$TMP/scrubbed" && fail "a name is left in the scrubbed recording"
finish
