#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A scrubbed recording finds the same, and neither addresses nor names are left in it.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/sick.inc"

# nowhere FOLDER WORD...: neither in a file, nor in the name of one
nowhere() {
	local folder=$1 word

	shift
	for word in "$@"; do
		grep -rlaiF -e "$word" "$folder" > "$OUT" && fail "'$word' is in the recording" "$OUT"
		find "$folder" -iname "*$word*" | grep . > "$OUT" && fail "'$word' names a file" "$OUT"
	done
}

# As netlink and iptables have them: in network byte order.
nowhere_binary() { # nowhere_binary FOLDER ADDRESS...
	python3 - "$@" > "$OUT" << 'END' || fail "an address is in the recording in binary" "$OUT"
import ipaddress, os, sys

bad = 0
for folder, _, files in os.walk(sys.argv[1]):
	for name in files:
		data = open(os.path.join(folder, name), "rb").read()
		for address in sys.argv[2:]:
			if ipaddress.ip_address(address).packed in data:
				print(address, os.path.join(folder, name))
				bad = 1
sys.exit(bad)
END
}

is_clean() { # is_clean FOLDER
	local groups

	# shellcheck disable=SC2086
	nowhere "$1" $ADDRESSES $NAMES "$SERVER" "$CLIENT"
	# shellcheck disable=SC2086
	nowhere_binary "$1" $ADDRESSES
	# A short name may well be among the letters of another.
	groups=$(hostname)
	[ ${#groups} -lt 6 ] || nowhere "$1" "$groups"
	mapfile -t groups < <(tr ':/' '\n\n' < /proc/self/cgroup |
		grep -vE '^(|[0-9]+|cpu.*|memory|name=.*|freezer|[a-z_,]{1,12}|.*\.slice|init\.scope)$')
	[ ${#groups[@]} = 0 ] || nowhere "$1" "${groups[@]}"
}

sample plain --limit bandwidth@uplink7=10Gbit
# What is looked for can be found, where it was not taken out.
for word in $NAMES "$SERVER"; do
	grep -rqaF -e "$word" "$TMP/plain" || [ "$word" = tunnel-red ] || [ "$word" = acme_old ] ||
		fail "'$word' is not in the plain recording: the test is void"
done

run "$WHYDROP" record --from "$TMP/plain" --scrub "$TMP/clean"
[ "$STATUS" = 0 ] || fail "record --scrub --from" "$ERR"
is_clean "$TMP/clean"
json 'd["config"]["limits"][0]["device"].startswith("if")' "$TMP/clean/whydrop-recording.json" > "$OUT" ||
	fail "the limit's device is not renamed" "$OUT"
same_findings "$TMP/plain" "$TMP/clean"
json 'd["host"]["name"].startswith("host") and d["verdict"] == "losing"' "$TMP/diagnosis-2" > /dev/null ||
	fail "the scrubbed recording's header"
json '[s for s in found("fw-rule-drop")[0]["subjects"] if "saddr 10." in (s["rule"]["text"] or "")]' \
	"$TMP/diagnosis-2" > /dev/null || fail "no rule text in the scrubbed recording"

refused 2 "--time" "$WHYDROP" record -t 1 --from "$TMP/plain" "$TMP/new"
refused 2 "--netns" "$WHYDROP" record --netns 1 --from "$TMP/plain" "$TMP/new"
refused 2 "'$TMP/none'" "$WHYDROP" record --from "$TMP/none" --scrub "$TMP/new"
[ ! -e "$TMP/new" ] || fail "a folder is left behind"

# Every time under another key; and what was scrubbed can be scrubbed.
run "$WHYDROP" record --from "$TMP/plain" --scrub "$TMP/again"
diff -rq "$TMP/clean" "$TMP/again" > /dev/null && fail "two scrubbed recordings are the same"
same_findings "$TMP/clean" "$TMP/again"
run "$WHYDROP" record --from "$TMP/clean" --scrub "$TMP/twice"
same_findings "$TMP/plain" "$TMP/twice"

# At once, without a plain one before it.
sample direct --scrub
is_clean "$TMP/direct"
json 'found("fw-rule-drop") and found("udp-rcvbuf-full")' \
	<("$WHYDROP" diagnose --json --from "$TMP/direct") > /dev/null ||
	fail "a recording scrubbed at once finds something else"

# Every namespace of this host, whatever is in them.
run "$WHYDROP" record -t 0.5 --netns all "$TMP/all"
run "$WHYDROP" record --from "$TMP/all" --scrub "$TMP/all-clean"
same_findings "$TMP/all" "$TMP/all-clean"
nowhere "$TMP/all-clean" "$SERVER" "$CLIENT" uplink7 tunnel-red acme-fw

# An entry of a kind that nobody knows is left out; a damaged one is not examined.
cp -r "$TMP/plain" "$TMP/odd"
netns=$(basename "$(find "$TMP/odd" -mindepth 1 -maxdepth 1 -type d | head -n 1)")
echo secret > "$TMP/odd/$netns/b/nl/unheard-of"
echo secret > "$TMP/odd/$netns/b/proc/version"
echo secret > "$TMP/odd/top"
mkdir -p "$TMP/odd/$netns/b/abs/etc" && echo secret > "$TMP/odd/$netns/b/abs/etc/hostname"
head -c 99 "$TMP/plain/$netns/b/nl/links" > "$TMP/odd/$netns/b/nl/links"
printf "s\303\251cret" >> "$TMP/odd/$netns/b/proc/net/netstat"
run "$WHYDROP" record --from "$TMP/odd" --scrub "$TMP/odd-clean"
[ "$STATUS" = 0 ] || fail "a recording with odd entries" "$ERR"
is_clean "$TMP/odd-clean"
find "$TMP/odd-clean" | grep -E 'unheard-of|version|top$|/etc|b/nl/links|b/proc/net/netstat' > "$OUT" &&
	fail "entries that nobody understands are kept" "$OUT"
json '[n for n in d["not_examined"] if n["source"] == "/proc/net/netstat"]' \
	<("$WHYDROP" diagnose --json --from "$TMP/odd-clean") > /dev/null ||
	fail "a source that was left out is not told as not examined"
finish
