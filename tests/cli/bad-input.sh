#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a user can get wrong: each is answered by one line that names it, and by a status.
. "$(dirname "$0")/../lib.sh"
cd "$TMP" || exit 1

as_nobody=()
[ "$(id -u)" != 0 ] || as_nobody=(setpriv --reuid 65534 --clear-groups --no-new-privs)

# ---- options, commands, names ----

refused 2 "there is bash" "$WHYDROP" --completion zsh
refused 2 "command 'bogus'" "$WHYDROP" bogus
refused 2 "--bogus" "$WHYDROP" --bogus
refused 2 "--jsn.*--json" "$WHYDROP" --jsn
refused 2 "-z" "$WHYDROP" -z
refused 2 "one-operand" "$WHYDROP" diagnose one-operand
refused 2 "-t|--time" "$WHYDROP" -t
for time in 0 1e9 abc -5 0.1 3601 5x '' nan 0x10 99999999999999999999; do
	refused 2 "--time ('')?$time" "$WHYDROP" -t "$time"
done
for name in no-such-namespace ../../proc/1/ns/net a/b . 0 -1 99999999 99999999999999999999; do
	refused 2 "'$name'" "$WHYDROP" --netns "$name" -t 0.2
	refused 2 "'$name'" "$WHYDROP" selfcheck --netns "$name"
done
refused 2 "--netns" "$WHYDROP" --netns ''
refused 2 "--color" "$WHYDROP" --color blue
for fd in -1 x 70000; do
	refused 2 "--ready-fd $fd" "$WHYDROP" --ready-fd "$fd"
done
refused 2 "--json" "$WHYDROP" --json=yes
sleep 0 &
wait $!
refused 2 "'$!'" "$WHYDROP" --netns $! -t 0.2


for limit in bandwidth=10 bandwith=1Gbit packets=5 connections=x bandwidth= bandwidth; do
	refused 2 "--limit $limit" "$WHYDROP" -t 0.2 --limit "$limit"
done
refused 2 "absent.conf" "$WHYDROP" -t 0.2 --config absent.conf
printf '[limits]\n\nbandwidth = 10\n' > bad.conf
refused 2 "bad.conf:3: bandwidth: '10' needs a unit" "$WHYDROP" -t 0.2 --config bad.conf
printf '[limits]\nbandwith = 10Gbit\n' > bad.conf
refused 2 "bad.conf:2: bandwith: unknown" "$WHYDROP" -t 0.2 --config bad.conf
head -c 10000 /dev/urandom > bad.conf
refused 2 "bad.conf:[0-9]+: " "$WHYDROP" -t 0.2 --config bad.conf

refused 2 "'udp-nopotr'; near it: udp-noport" "$WHYDROP" explain udp-nopotr
refused 2 "'xyzzy'.*--list" "$WHYDROP" explain xyzzy
refused 2 "''" "$WHYDROP" explain ''
run "$WHYDROP" explain udp-noport xyzzy listen-overflow
[ "$STATUS" = 2 ] && [ "$(grep -c "^udp-noport:" "$OUT")" = 1 ] && grep -q "^listen-overflow:" "$OUT" &&
	[ "$(wc -l < "$ERR")" = 1 ] || fail "explain: one unknown name among known ones" "$ERR"

# ---- recordings ----

run "$WHYDROP" record -t 0.2 good
run "$WHYDROP" record -t 0.2 -
cp "$OUT" good.tar
answers "0 1 3" ' s, ' "$WHYDROP" --from good
answers "0 1 3" ' s, ' "$WHYDROP" --from good.tar
answers "0 1 3" ' s, ' "$WHYDROP" --from - < good.tar

refused 2 "'missing'.*No such file" "$WHYDROP" --from missing
refused 2 "'missing'.*No such file" "$WHYDROP" diagnose --json --from missing
: > empty
refused 2 "'empty'.*empty" "$WHYDROP" --from empty
refused 2 "'/dev/null'" "$WHYDROP" --from /dev/null
refused 2 "'-'" "$WHYDROP" --from - < /dev/null
echo "not a recording" > text
refused 2 "'text'.*not a recording" "$WHYDROP" --from text
head -c 100000 /dev/urandom > noise
refused 2 "'noise'.*not a recording" "$WHYDROP" --from noise
tar cf other.tar text
refused 2 "'other.tar'" "$WHYDROP" --from other.tar
mkdir void
refused 2 "'void'" "$WHYDROP" --from void
cp -r good undescribed && rm undescribed/whydrop-recording.json
refused 2 "'undescribed'" "$WHYDROP" --from undescribed
cp good.tar secret.tar && cp -r good secret && chmod 0 secret secret.tar
refused 2 "'secret'.*denied" "${as_nobody[@]}" "$WHYDROP" --from secret
refused 2 "'secret.tar'.*denied" "${as_nobody[@]}" "$WHYDROP" --from secret.tar
chmod 700 secret

# Cut anywhere: the description comes last, so that what is cut is known to be.
size=$(python3 -c '
import tarfile
last = tarfile.open("good.tar").getmembers()[-1]
print(last.offset_data + last.size)')
for part in 1 7 20 50 80 95 99; do
	head -c $((size * part / 100)) good.tar > cut.tar
	refused 2 "'cut.tar'" "$WHYDROP" --from cut.tar
done
gzip -k good.tar
answers "0 1 3" ' s, ' "$WHYDROP" --from good.tar.gz
head -c $(($(stat -c %s good.tar.gz) / 2)) good.tar.gz > cut.tar.gz
refused 2 "'cut.tar.gz'" "$WHYDROP" --from cut.tar.gz

# Damaged descriptions; and files that are gone or cut are sources not examined.
damage() { # damage PYTHON STATEMENT: on the description d
	rm -rf damaged && cp -r good damaged
	python3 -c "
import json
d = json.load(open('damaged/whydrop-recording.json'))
$1
json.dump(d, open('damaged/whydrop-recording.json', 'w'))"
	refused 2 "'damaged'" "$WHYDROP" --from damaged
}
damage 'd["schema"] = "whydrop.recording/999"'
damage 'd["namespaces"] = []'
damage 'd["namespaces"] = "none"'
damage 'd["namespaces"][0]["inode"] = -1'
damage 'd["namespaces"][0]["inode"] = 1 << 40'
damage 'd["namespaces"][0]["looks"] = 10**9'
damage 'd["namespaces"][0]["looks"] = -3'
damage 'd = []'
damage 'd = {}'
rm -rf damaged && cp -r good damaged && echo '{' > damaged/drops.json
refused 2 "'damaged'" "$WHYDROP" --from damaged
rm -rf damaged && cp -r good damaged
find damaged -name snmp -delete
answers "0 1 3" 'snmp|^' "$WHYDROP" --from damaged
find damaged -type f ! -name '*.json' -exec truncate -s 33 {} +
answers "0 1 3" '.' "$WHYDROP" --from damaged
find damaged -type f ! -name '*.json' -exec dd if=/dev/urandom of={} bs=999 count=1 status=none \;
answers "0 1 3" '.' "$WHYDROP" --from damaged

# Where a recording cannot go: said before the sampling, not after.
mkdir full denied && touch full/file
[ ${#as_nobody[@]} != 0 ] || chmod 555 denied
began=$SECONDS
refused 2 "'full'.*not empty" "$WHYDROP" record -t 20 full
refused 2 "'missing/folder'.*No such file" "$WHYDROP" record -t 20 missing/folder
refused 2 "'text'" "$WHYDROP" record -t 20 text
refused 2 "'/proc/folder'" "$WHYDROP" record -t 20 /proc/folder
refused 2 "'denied/folder'.*denied" "${as_nobody[@]}" "$WHYDROP" record -t 20 denied/folder
refused 2 "record" "$WHYDROP" record -t 20
refused 2 "two" "$WHYDROP" record -t 20 one two
[ $((SECONDS - began)) -lt 10 ] || fail "record sampled before it looked at its folder"
[ ! -e one ] || fail "record made a folder and refused"

# ---- where the answer goes ----

for target in /dev/full -; do
	for command in "-t 0.2" "--json -t 0.2" "selfcheck" "selfcheck --json" "explain" \
		"explain udp-noport" "explain --list" "--help" "record --help" "--version" \
		"--completion" "record -t 0.2 -"; do
		# shellcheck disable=SC2086
		if [ "$target" = - ]; then
			"$WHYDROP" $command >&- 2> "$ERR"
		else
			"$WHYDROP" $command > "$target" 2> "$ERR"
		fi
		STATUS=$?
		[ $STATUS = 2 ] && [ "$(wc -l < "$ERR")" = 1 ] && grep -qE "standard output|'-'" "$ERR" ||
			fail "'$command' to $target: status $STATUS, or not one line" "$ERR"
	done
done
# Messages that nobody hears go nowhere else.
rm -rf quiet && "$WHYDROP" record -t 0.2 quiet >&- 2>&- <&-
answers "0 1 3" ' s, ' "$WHYDROP" --from quiet
! grep -rq 'recorded .* s in\|^whydrop:' quiet || fail "a message went into the recording"
"$WHYDROP" bogus 2>&-
[ $? = 2 ] || fail "a closed standard error changes the status"
"$WHYDROP" -t 0.2 2> /dev/full > "$OUT"
[[ $? = [013] ]] || fail "a full standard error changes the status"
finish
