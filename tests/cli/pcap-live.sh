#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# whydrop pcap -i: what is captured and written, how it ends, what the ring loses, and what is refused.
. "$(dirname "$0")/../lib.sh"

need_root "network namespaces"
space C
space S
wire "$C" "$S"
ip -n "$S" addr add 2001:db8::2/64 dev eth0 nodad
ip -n "$C" addr add 2001:db8::1/64 dev eth0 nodad
mkfifo "$TMP/ready"
exec 9<> "$TMP/ready"

begin() { # begin OPTION...: captures in $S until it is told to end; $OUT, $ERR, $PID
	timeout --foreground -k 20 30 "$WHYDROP" pcap --netns "$S" --ready-fd 9 "$@" > "$OUT" 2> "$ERR" &
	PID=$!
	CHILDREN+=("$PID")
	read -r -N 1 -t 10 -u 9 _ || fail "pcap $* does not begin" "$ERR"
}
end() { # end [SIGNAL]: and its status in $STATUS
	[ $# = 0 ] || kill "-$1" "$PID"
	wait "$PID"
	STATUS=$?
}
send() { # send N PORT [ADDRESS]: datagrams to a port that nobody has
	ip netns exec "$C" "$GEN" udp-send "${3:-192.0.2.2}" "$2" -n "$1" --rate "${RATE:-20000}" --size 100 > "$TMP/sent" ||
		fail "send" "$TMP/sent"
}

# ---- what is captured: IPv4 and IPv6, both directions, a filter, a file ----

begin -i eth0 'udp port 5300' -w "$TMP/a.pcapng" --json
ip -n "$S" -d link show eth0 > "$TMP/link"
grep -q "promiscuity 0" "$TMP/link" || fail "promiscuous" "$TMP/link"
ip netns exec "$S" "$GEN" udp-recv 5300 > /dev/null &
CHILDREN+=($!)
await 5 eval 'ip netns exec "$S" ss -Hlnu "sport = 5300" | grep -q 5300'
send 300 5300
send 200 5300 2001:db8::2
send 100 5301
end TERM
[ "$STATUS" = 0 ] || fail "captured: exit status $STATUS" "$OUT" "$ERR"
json 'd["capture"]["packets"] == 500 and d["packets"]["udp"] == 500' > /dev/null || fail "500 packets" "$OUT" "$ERR"
json 'd["capture"]["missed_by_capture"] == 0' > /dev/null || fail "missed" "$OUT"
grep -q "^500 packets in" "$ERR" || fail "the file's packets" "$ERR"
for reader in "tcpdump -nr" "tshark -nr"; do
	command -v "${reader%% *}" > /dev/null || continue
	# shellcheck disable=SC2086
	n=$($reader "$TMP/a.pcapng" 2> /dev/null | wc -l)
	[ "$n" = 500 ] || fail "$reader finds $n of 500 packets"
done
run "$WHYDROP" pcap "$TMP/a.pcapng" --json
json 'd["capture"]["packets"] == 500 and d["capture"]["missed_by_capture"] == 0' > /dev/null ||
	fail "its own file" "$OUT" "$ERR"

# ---- every device, so many packets, to a pipe ----

begin -i any -c 20 -w - 'udp'
send 30 5302 192.0.2.2
end
cp "$OUT" "$TMP/any.pcapng"
[ "$STATUS" = 0 ] || [ "$STATUS" = 1 ] || fail "-c 20: exit status $STATUS" "$ERR"
grep -q "live, 20 packets" "$ERR" || fail "-c 20" "$ERR"
run "$WHYDROP" pcap "$TMP/any.pcapng" --json
json 'd["capture"]["packets"] == 20 and d["packets"]["udp"] == 20' > /dev/null || fail "any" "$OUT" "$ERR"

# ---- a time, and what is beyond it is not of the capture ----

before=$(now_ms)
begin -i eth0 -t 0.3
end
[ $(($(now_ms) - before)) -lt 5000 ] || fail "-t 0.3 took $(($(now_ms) - before)) ms"
grep -q "live, " "$OUT" && grep -q "^This host meanwhile" "$OUT" || fail "-t 0.3" "$OUT" "$ERR"

# ---- the last packets of a device that was quiet before ----

begin -i eth0 'udp port 5306' --json
sleep 0.8
send 5 5306
end TERM
json 'd["capture"]["packets"] == 5' > /dev/null || fail "the last packets of a quiet device" "$OUT" "$ERR"

# ---- a full disk stops the file and nothing else ----

mkdir "$TMP/small" && mount -t tmpfs -o size=64k none "$TMP/small" && undo umount "$TMP/small"
begin -i eth0 -w "$TMP/small/a.pcapng" --json
send 1000 5303
end TERM
grep -q "cannot be written any further (ENOSPC)" "$ERR" || fail "a full disk is not told" "$ERR"
json 'd["packets"]["udp"] == 1000' > /dev/null || fail "a full disk ends the analysis" "$OUT"
n=$(sed -n 's/^\([0-9]*\) packets in .*/\1/p' "$ERR")
run "$WHYDROP" pcap "$TMP/small/a.pcapng" --json
json "d['capture']['packets'] == $n > 100 and d['capture']['damaged_n'] == 0" > /dev/null ||
	fail "what is in the file" "$OUT" "$ERR"

# ---- what the ring loses is the capture's, and told exactly ----

begin -i eth0 'udp port 5304' --json
kill -STOP "$(pgrep -P "$PID")"
RATE=1000000 send 150000 5304
kill -CONT "$(pgrep -P "$PID")"
end TERM
json 'd["capture"]["missed_by_capture"] > 0' > /dev/null || fail "nothing is missed" "$OUT"
json 'd["capture"]["missed_by_capture"] + d["capture"]["packets"] == 150000' > /dev/null ||
	fail "missed and captured" "$OUT" "$TMP/sent"
begin -i eth0
end TERM
grep -q "capture itself missed" "$OUT" && fail "missed, told of a quiet capture" "$OUT"

# ---- the device goes away ----

ip link add gone netns "$S" type veth peer name gone2 netns "$S"
ip -n "$S" link set gone up
begin -i gone -t 20
ip -n "$S" link del gone
before=$(now_ms)
end
[ $(($(now_ms) - before)) -lt 5000 ] || fail "a device that is gone is waited for"
tr -s ' \n' ' ' < "$OUT" | grep -q "the capture ended early" || fail "the device is gone" "$OUT" "$ERR"

# ---- what is refused ----

ip link add down0 netns "$S" type veth peer name down1 netns "$S"
refused 2 "no network device 'nosuch'" "$WHYDROP" pcap --netns "$S" -i nosuch
refused 2 "device 'down0' is down" "$WHYDROP" pcap --netns "$S" -i down0
refused 2 "behind 'udp', at 'prot 53'" "$WHYDROP" pcap --netns "$S" -i eth0 'udp prot 53'
refused 2 "no network namespace or process 'nosuch'" "$WHYDROP" pcap --netns nosuch -i eth0
refused 2 "give a device with -i" "$WHYDROP" pcap -t 1 "$TMP/a.pcapng"
refused 2 "flow needs a file" "$WHYDROP" pcap -i eth0 --flow 1
refused 2 "recording is for a file" "$WHYDROP" pcap -i eth0 --recording "$TMP"
refused 2 "No such file or directory" "$WHYDROP" pcap --netns "$S" -i eth0 -w "$TMP/no/such"
cp "$WHYDROP" "$TMP/whydrop"
refused 2 "needs CAP_NET_RAW: sudo setpriv .*net_raw.* pcap -i lo$" \
	setpriv --reuid 65534 --regid 65534 --clear-groups "$TMP/whydrop" pcap -i lo
finish
