#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Packets told one by one: each with its flow, cause, owner and rule; the capture file as others read
# it; a flood that does not hide what is rare; a full disk.
. "$(dirname "$0")/../lib.sh"
need_root "private network namespaces"
command -v tshark > /dev/null || skip "tshark is not installed"

client='' server=''
space client
space server
wire "$client" "$server"
ip -n "$client" addr add 2001:db8::1/64 dev eth0 nodad
ip -n "$server" addr add 2001:db8::2/64 dev eth0 nodad
ip netns exec "$server" nft -f - <<- END || skip "no nft here"
	table inet t {
		chain pre {
			type filter hook prerouting priority 0
			udp dport 4444 counter drop
			udp dport 4445 counter drop
			tcp dport 4446 counter drop
		}
	}
END
handle() { # handle PORT: of the rule that drops it
	ip netns exec "$server" nft -a list chain inet t pre | sed -n "s/.*dport $1 .*# handle //p"
}
ip netns exec "$server" "$GEN" udp-recv 5301 --rcvbuf 8192 --no-read --time 300 \
	--ready-file "$TMP/reader" > /dev/null &
reader=$!
CHILDREN+=("$reader")
await 5 test -e "$TMP/reader" || fail "no reader"

start() { # start OPTION...: a watch that counts already; ends by `stop`
	local fifo=$TMP/ready

	rm -f "$fifo" && mkfifo "$fifo"
	"$WHYDROP" watch --netns "$server" --ready-fd 9 "$@" 9<> "$fifo" > "$OUT" 2> "$ERR" &
	watch=$!
	CHILDREN+=("$watch")
	read -r -t 20 -n 1 _ <> "$fifo" || fail "watch $*: not ready after 20 s" "$ERR"
}

stop() {
	kill -INT "$watch"
	wait "$watch"
	STATUS=$?
	[ $STATUS = 0 ] || fail "watch ended with $STATUS" "$ERR"
}

send() { # send PORT COUNT [OPTION...]: UDP to the server
	ip netns exec "$client" "$GEN" udp-send 192.0.2.2 "$1" -n "$2" "${@:3}" > /dev/null
}

# lines EXPRESSION [FILE]: of JSON lines; p are packets, s the summary. False if it is not true.
lines() {
	python3 -c '
import collections, json, sys
rows = [json.loads(l) for l in open(sys.argv[2])]
p = [r["packet"] for r in rows if "packet" in r]
s = ([r["summary"] for r in rows if "summary" in r] or [None])[-1]
to = lambda port: [x for x in p if x["flow"] and x["flow"]["dport"] == port]
value = eval("(" + sys.argv[1] + ")")
print(value)
sys.exit(not value)' "$1" "${2:-$OUT}" > "$TMP/value" 2>&1
}

says() { # says WHAT EXPRESSION
	lines "$2" || fail "$1: $2" "$TMP/value" "$ERR"
}

# ---- one of each kind ----

kinds() {
	send 9 5
	send 4444 5
	send 4445 3
	send 5301 60 --size 500 --rate 2000
	ip netns exec "$client" "$GEN" udp-send 2001:db8::2 9 -n 4 > /dev/null
	ip netns exec "$client" "$GEN" raw eth0 --tcp S --from 192.0.2.1 --to 192.0.2.2 \
		--from-port 40000 --to-port 4446 -n 3 \
		--dmac "$(ip -n "$server" -o link show eth0 | sed 's/.*ether \([^ ]*\).*/\1/')" > /dev/null
}

start --events --json --all --stack -w "$TMP/kinds.pcapng"
kinds
stop
cp "$OUT" "$TMP/kinds.json"
says "a closed port" 'all(x["cause"] == "udp-noport" and not x["owner"] and not x["rule"] and x["device"] == "eth0" for x in to(9))'
says "IPv4" 'len([x for x in to(9) if x["flow"]["src"] == "192.0.2.1" and x["ethertype"] == 0x800]) == 5'
says "IPv6" 'len([x for x in to(9) if x["flow"]["src"] == "2001:db8::1" and x["ethertype"] == 0x86dd]) == 4'
says "a full socket" 'len([x for x in to(5301) if x["cause"]]) > 20 and all(x["owner"]["pid"] == '"$reader"' and
	x["owner"]["command"] == "gen" and x["socket"]["port"] == 5301 for x in to(5301))'
# Since 6.11 the kernel names the receiving socket; before it is known by its port, and not how full
# it was then.
if [ "$(printf '6.11\n%s\n' "$(uname -r)" | sort -V | head -n 1)" = 6.11 ]; then
	buffer=', buffer [0-9]* of [0-9]* bytes'
	says "how full" 'all(0 < x["socket"]["buffer_used"] and x["socket"]["buffer_limit"] > 4096 for x in to(5301))'
else
	buffer=
	says "how full" 'all(x["socket"]["buffer_limit"] is None for x in to(5301))'
fi
says "rules" 'len(to(4444)) == 5 and all(x["rule"]["handle"] == '"$(handle 4444)"' for x in to(4444)) and
	len(to(4445)) == 3 and all(x["rule"]["handle"] == '"$(handle 4445)"' for x in to(4445)) and
	all(x["cause"] == "fw-rule-drop" for x in to(4444) + to(4445)) and
	{x["rule"]["text"] for x in to(4444)} == {"udp dport 4444 counter drop"}'
says "TCP" 'len(to(4446)) == 3 and all(x["tcp"]["flags"] == "S" and x["flow"]["sport"] == 40000 and
	x["rule"]["handle"] == '"$(handle 4446)"' for x in to(4446))'
says "the namespace" 'all(x["netns"]["name"] == "'"$server"'" for x in p)'
says "stacks" 'all(x["stack"] and any("+0x" in f for f in x["stack"]) for x in to(9))'
says "the order" '[x["at"] for x in p] == sorted(x["at"] for x in p)'
says "the summary" 's["packets"]["told"] == len(p) and s["packets"]["file"]["packets"] == len(p)'

# ---- the file, as others read it ----

fields() { # fields FILE FILTER FIELD...
	tshark -r "$1" -Y "$2" -T fields "${@:3}" 2>> "$ERR"
}
: > "$ERR"
capinfos -c "$TMP/kinds.pcapng" > "$OUT" 2>> "$ERR" || fail "capinfos" "$OUT" "$ERR"
told=$(grep -c '"packet"' "$TMP/kinds.json")
grep -q ":  *$told\$" "$OUT" || fail "capinfos does not count $told packets" "$OUT"
fields "$TMP/kinds.pcapng" 'udp.dstport == 4444' -e frame.comment -e frame.interface_name \
	-e frame.interface_description > "$OUT"
[ "$(grep -c "^reason NETFILTER_DROP at .*cause fw-rule-drop, rule inet t pre handle $(handle 4444).*netns $server	eth0	$server" "$OUT")" = 5 ] ||
	fail "comments of a rule's packets" "$OUT" "$ERR"
fields "$TMP/kinds.pcapng" 'udp.dstport == 5301' -e frame.comment > "$OUT"
[ "$(grep -c "owner gen ($reader)$buffer," "$OUT")" -gt 20 ] ||
	fail "comments of a full socket" "$OUT" "$ERR"
[ "$(fields "$TMP/kinds.pcapng" 'ipv6.src == 2001:db8::1 and udp.dstport == 9' -e ip.version -e frame.len | wc -l)" = 4 ] ||
	fail "IPv6 packets in the file"
[ "$(fields "$TMP/kinds.pcapng" 'tcp.flags.syn == 1 and tcp.dstport == 4446' -e tcp.srcport | sort -u)" = 40000 ] ||
	fail "TCP packets in the file"
# libpcap reads files of one link type only.
if command -v tcpdump > /dev/null && [ "$(tshark -r "$TMP/kinds.pcapng" -T fields -e frame.encap_type 2> /dev/null | sort -u | wc -l)" = 1 ]; then
	[ "$(tcpdump -nr "$TMP/kinds.pcapng" 2> "$ERR" | wc -l)" = "$told" ] ||
		fail "tcpdump does not read $told packets" "$ERR"
fi

# ---- as text, and no more than asked for ----

start --events -c 4
send 9 3
send 4444 3
wait "$watch" || fail "-c 4 ended with $?" "$ERR"
[ "$(grep -cE '^[0-9:]{8}\.[0-9]{6} 192\.0\.2\.1:[0-9]+ > 192\.0\.2\.2:(9|4444) udp length [0-9]+, eth0 in ' "$OUT")" = 4 ] ||
	fail "four lines of packets" "$OUT" "$ERR"
grep -q ": NO_SOCKET at [a-z_0-9]*, cause udp-noport" "$OUT" || fail "the line of a closed port" "$OUT"

: > "$ERR" # the line of the run before is not this one's
"$WHYDROP" watch --netns "$server" -w - -c 3 -t 20 2> "$ERR" > "$TMP/piped.pcapng" &
watch=$!
CHILDREN+=("$watch")
await 10 grep -q watching "$ERR" || fail "no ready line" "$ERR"
send 9 3
wait "$watch" || fail "-w - ended with $?" "$ERR"
[ "$(fields "$TMP/piped.pcapng" 'udp.dstport == 9' -e frame.comment | grep -c 'reason NO_SOCKET')" = 3 ] ||
	fail "-w - holds not three packets" "$ERR"

refused 2 "--count goes with" "$WHYDROP" watch -c 3
refused 2 "No such file" "$WHYDROP" watch -w /nowhere/drops.pcapng
script -qec "$WHYDROP watch -w -" /dev/null < /dev/null > "$OUT" 2>&1
grep -q "standard output is a terminal" "$OUT" || fail "-w - to a terminal" "$OUT"

# ---- filters ----

start --events --json --reason NO_SOCKET
kinds
stop
says "--reason" 'len(p) == 9 and all(x["reason"] == "NO_SOCKET" for x in p)'
start --events --json --pid "$reader"
kinds
stop
says "--pid" 'len(p) > 20 and all(x["flow"]["dport"] == 5301 for x in p)'
start --events --json --cause fw-rule-drop
kinds
stop
says "--cause" '{x["flow"]["dport"] for x in p} == {4444, 4445, 4446}'
start --events --json 'udp port 4445'
kinds
stop
says "a packet filter" 'len(p) == 3 and {x["flow"]["dport"] for x in p} == {4445}'

# ---- a flood does not hide what is rare, and what is not told is counted ----

no_ports() {
	ip netns exec "$server" cat /proc/net/snmp | awk '/^Udp:/ && $2 ~ /[0-9]/ { print $3 }'
}
before=$(no_ports)
start --events --json -w "$TMP/flood.pcapng"
for _ in 1 2 3 4 5; do
	send 9 40000
	send 4444 1
done
stop
lost=$(($(no_ports) - before))
says "the rare ones" 'len(to(4444)) == 5 and all(x["rule"]["handle"] == '"$(handle 4444)"' for x in to(4444))'
says "told and missed" "len(to(9)) > 60 and len(to(9)) + sum(m['packets'] for m in s['missed']['events'] if m['reason'] == 'NO_SOCKET') == $lost"
: > "$ERR"
tshark -r "$TMP/flood.pcapng" -T fields -e frame.number > "$OUT" 2> "$ERR" || fail "tshark" "$ERR"
capinfos "$TMP/flood.pcapng" > "$OUT" 2>&1
grep -q "Name = missed" "$OUT" || fail "the file does not tell what it lacks" "$OUT"

# ---- a full disk ----

mkdir "$TMP/small" && mount -t tmpfs -o size=64k none "$TMP/small" && undo umount "$TMP/small"
before=$(no_ports)
start --json -w "$TMP/small/drops.pcapng"
for _ in 1 2 3 4; do
	send 9 2000 --rate 2000
	for port in $(seq 20 39); do
		send "$port" 20
	done
done
stop
lost=$(($(no_ports) - before))
grep -q "drops.pcapng: cannot be written any further (ENOSPC)" "$ERR" || fail "a full disk is not told" "$ERR"
[ "$(grep -c ENOSPC "$ERR")" = 1 ] || fail "a full disk is told more than once" "$ERR"
says "counting goes on" "s['packets']['file']['errno'] == 'ENOSPC' and s['lost']['total'] == $lost"
tshark -r "$TMP/small/drops.pcapng" -T fields -e frame.comment > "$OUT" 2> "$ERR" || fail "the file of a full disk" "$ERR"
[ -s "$ERR" ] && grep -qi "cut short\|damaged" "$ERR" && fail "the file is not whole" "$ERR"
[ "$(wc -l < "$OUT")" -gt 50 ] || fail "few packets in the file of a full disk" "$OUT"
finish
