#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# whydrop pcap on captures whose truth is known (tests/captures/make.py): what it finds in each, how
# much of it and in which packets, and that the healthy ones are healthy.
. "$(dirname "$0")/../lib.sh"

python3 "$ROOT/tests/captures/make.py" "$TMP" || fail "make the captures"

# name | exit status | cause of the first finding, - none | its via | the troubles that are there:
# kind side flows amount longest-ms first-packet; amount 0 and longest-ms 0: not told
cat > "$TMP/truth" << 'END'
clean             | 0 | - | - |
clean_v6          | 0 | - | - |
reset_after_fin   | 0 | cap-teardown | rst-data-after-close | reset-closed client 1 500 0 8
keepalive_alive   | 0 | - | - |
udp_answered      | 0 | - | - |
udp_shared_id     | 0 | - | - |
udp_random_id     | 0 | - | - |
udp_no_id         | 0 | - | - |
udp_may_fragment  | 0 | - | - |
udp_lost          | 1 | cap-udp-loss | - | udp-loss client 1 12 0 51
challenged        | 0 | cap-syn-paws | paws-timewait | loss client 1 1 0 4; syn-late server 1 1 1020 1
zero_window_short | 0 | cap-zero-window | - | zero-window server 1 1 10 5
syn_silent        | 1 | cap-handshake | - | syn-silent server 1 7 7000 1
syn_refused       | 1 | cap-handshake | rst-closed-port | syn-refused server 1 0 0 1
syn_prohibited    | 1 | cap-icmp | - | syn-icmp server 1 0 0 1
accept_full       | 1 | cap-handshake | listen-overflow | accept-full server 1 1 0 3; loss server 1 1 0 4
synack_silent     | 1 | cap-handshake | - | synack-silent client 1 3 0 2; loss server 1 2 0 3
flood             | 1 | cap-syn-flood | syn-flood | syn-flood server 5001 5001 0 1
lossy             | 1 | cap-retrans | - | loss client 1 50 0 9
lossy_before      | 1 | cap-retrans | - | loss client 1 20 0 6
lossy_window      | 1 | cap-retrans | - | loss client 1 20 0 84
black_hole        | 1 | cap-retrans | pmtu-blackhole | loss client 1 5 0 7; mtu client 1 5 0 7
died              | 1 | cap-retrans | - | loss client 1 5 0 7; died client 1 5 6540 7
reordered         | 0 | cap-dup-reorder | - | reordered client 1 20 0 5
duplicated        | 0 | cap-dup-reorder | - | duplicated client 1 10 0 5
zero_window       | 1 | cap-zero-window | - | zero-window server 1 1 3000 5
reset_idle        | 1 | cap-rst-origin | - | reset-idle server 1 0 350000 9
silent_idle       | 1 | cap-rst-origin | - | silent-idle client 1 5 240000 6; loss client 1 5 0 7
reset_abort       | 1 | cap-rst-origin | - | reset-abort server 1 0 100 6
reset_forged      | 1 | cap-rst-origin | - | reset-forged server 1 0 0 8
keepalive_dead    | 1 | cap-keepalive | - | reset-keepalive client 1 3 5000 9
gap               | 0 | cap-gap | - | gap client 1 10 0 14
flags             | 0 | cap-flags | - | flags server 4 4 0 1
udp_silent        | 1 | cap-udp-silent | - | udp-silent server 9 9 0 1
udp_refused       | 1 | cap-icmp | udp-noport | udp-refused server 1 1 0 1
tagged            | 1 | cap-rst-origin | - | reset-abort server 1 0 0 6
vxlan             | 1 | cap-rst-origin | - | reset-abort server 1 0 0 6
gre               | 1 | cap-rst-origin | - | reset-abort server 1 0 0 6
END

judge() { # judge STATUS CAUSE VIA TROUBLES < JSON
	python3 "$ROOT/tests/captures/judge.py" "$@"
}

while IFS='|' read -r name status cause via troubles; do
	read -r name <<< "$name" && read -r status <<< "$status"
	read -r cause <<< "$cause" && read -r via <<< "$via"
	run "$WHYDROP" pcap --json "$TMP/$name.pcap"
	[ "$STATUS" = "$status" ] || fail "$name: exit status $STATUS" "$OUT" "$ERR"
	said=$(judge "$status" "$cause" "$via" "$troubles" < "$OUT") || fail "$name: $said"
	run "$WHYDROP" pcap "$TMP/$name.pcap"
	[ "$(wc -l < "$OUT")" -lt 100 ] || fail "$name: $(wc -l < "$OUT") lines"
	[ "$STATUS" = "$status" ] || fail "$name: exit status $STATUS of the text" "$OUT" "$ERR"
done < "$TMP/truth"

# ---- every form of a file says the same ----

zstd -q "$TMP/lossy.pcap" -o "$TMP/form-zstd.pcap.zst" 2> "$ERR" || fail "zstd" "$ERR"
for form in "$TMP"/form-*; do
	run "$WHYDROP" pcap --json "$form"
	said=$(judge 1 cap-retrans - "loss client 1 50 0 9" < "$OUT") || fail "${form##*/}: $said"
	grep -q '"damaged_n": 0' "$OUT" || fail "${form##*/}: damaged" "$OUT"
	run "$WHYDROP" pcap --json - < "$form"
	said=$(judge 1 cap-retrans - "loss client 1 50 0 9" < "$OUT") || fail "${form##*/} by <: $said"
	# shellcheck disable=SC2002
	said=$(cat "$form" | "$WHYDROP" pcap --json - | judge 1 cap-retrans - "loss client 1 50 0 9") ||
		fail "${form##*/} by a pipe: $said"
done

# ---- two threads say what one says; the capture is larger than all buffers of the reader ----

first=$(awk '/^Cpus_allowed_list/ { split($2, c, /[-,]/); print c[1] }' /proc/self/status)
for options in --json "--flow 1 -v" "--json --filter tcp[tcpflags]&tcp-push!=0"; do
	# shellcheck disable=SC2086
	cmp <("$WHYDROP" pcap $options "$TMP/lossy.pcap") \
		<(taskset -c "$first" "$WHYDROP" pcap $options "$TMP/lossy.pcap") > "$OUT" ||
		fail "$options: one processor says something else" "$OUT"
done

# ---- what the capture missed itself is not called lost: of 12 that are not here so many ----

while read -r n status words; do
	run "$WHYDROP" pcap "$TMP/missed-$n.pcapng"
	[ "$STATUS" = "$status" ] && grep -q "$words" "$OUT" || fail "missed-$n: exit status $STATUS" "$OUT" "$ERR"
done << 'END'
1 1 11 datagrams lost before the capture
12 0 12 datagrams missing in the capture
END

# ---- one connection, filters ----

run "$WHYDROP" pcap "$TMP/zero_window.pcap" --flow 1 -v
for words in "closes its window" "window probe" "opens its window" "3000.000 ms at the longest" \
	"The client closed first, in packet 13 and holds TIME_WAIT" "SYN-ACK 20.000 ms later"; do
	grep -q "$words" <(tr -s ' \n' ' ' < "$OUT") || fail "--flow 1: no '$words'" "$OUT"
done
[ "$(grep -cE '^ +[0-9]+ +[0-9.]+ (-->|<--)' "$OUT")" = 15 ] || fail "--flow 1: not 15 packets" "$OUT"
run "$WHYDROP" pcap "$TMP/zero_window.pcap" --flow 2
[ "$STATUS" = 2 ] && grep -q "no flow 2" "$ERR" || fail "--flow 2" "$OUT" "$ERR"
run "$WHYDROP" pcap "$TMP/zero_window.pcap" --filter 'port 81'
[ "$STATUS" = 0 ] && grep -q "left out 15" "$OUT" || fail "a filter that leaves nothing" "$OUT" "$ERR"
run "$WHYDROP" pcap "$TMP/zero_window.pcap" --filter 'tcp prot 81'
[ "$STATUS" = 2 ] && grep -q "filter" "$ERR" || fail "a filter that is none" "$OUT" "$ERR"

# ---- what is no capture ----

: > "$TMP/empty"
echo "hello, this is no capture" > "$TMP/text"
head -c 3 "$TMP/clean.pcap" > "$TMP/three"
gzip -c "$TMP/text" > "$TMP/text.gz"
gzip -c "$TMP/clean.pcap" | head -c 600 > "$TMP/short.gz"
{ head -c 20 "$TMP/clean.pcap" && printf '\x93\0\0\0' && tail -c +25 "$TMP/clean.pcap"; } > "$TMP/user0"
while IFS='|' read -r name words; do
	run "$WHYDROP" pcap "$TMP/$name"
	[ "$STATUS" = 2 ] && grep -q "$words" "$ERR" || fail "$name: exit status $STATUS" "$OUT" "$ERR"
done << 'END'
empty|is empty
text|is no capture
three|is no capture
text.gz|is no capture
user0|link type 147 (USER0)
none|No such file
.|directory
END
run "$WHYDROP" pcap "$TMP/short.gz"
grep -q "compressed data is damaged" "$OUT" "$ERR" || fail "short.gz" "$OUT" "$ERR"
run "$WHYDROP" pcap
[ "$STATUS" = 2 ] || fail "without a file: exit status $STATUS" "$ERR"

# A packet whose length lies: passed over, and the place told.
python3 - "$TMP" << 'END'
import pathlib, struct, sys
folder = pathlib.Path(sys.argv[1])
data = bytearray((folder / "lossy.pcap").read_bytes())
at = 24
for _ in range(100):
    at += 16 + struct.unpack_from("<I", data, at + 8)[0]
struct.pack_into("<I", data, at + 8, 0x7fffffff)
(folder / "lies.pcap").write_bytes(data)
data = bytearray((folder / "form-ng.pcapng").read_bytes())
at = 0
for _ in range(100):
    at += struct.unpack_from("<I", data, at + 4)[0]
struct.pack_into("<I", data, at + 4, 0x7ffffff1)
(folder / "lies.pcapng").write_bytes(data)
END
for name in lies.pcap lies.pcapng; do
	run "$WHYDROP" pcap --json "$TMP/$name"
	python3 -c '
import json, sys
j = json.load(sys.stdin)["capture"]
sys.exit(j["packets"] != 2255 or j["damaged_n"] != 1)' < "$OUT" || fail "$name: not one packet less" "$OUT"
done
finish
