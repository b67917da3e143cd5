#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Single capabilities instead of root: each unlocks what selfcheck says that it does.
. "$(dirname "$0")/../lib.sh"
need_root "private network namespaces, and capabilities to give"

client='' server=''
space client
space server
wire "$client" "$server"
ip netns exec "$server" nft -f - <<- END || skip "no nft here"
	table ip t { chain c { type filter hook input priority 0; udp dport 53 counter drop; }; }
END
mkdir -m 777 "$TMP/open"

# Nobody, with these capabilities, records 700 packets for a closed port and 300 for the rule.
with() { # with CAPABILITIES: the diagnosis is in $OUT, the traced drops in $TMP/open/CAPS/drops.json
	local folder=$TMP/open/$1 fifo=$TMP/ready pid

	rm -f "$fifo" && mkfifo "$fifo" && chmod 666 "$fifo"
	ip netns exec "$server" setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs \
		--inh-caps "$1" --ambient-caps "$1" \
		"$WHYDROP" record -t 2 --ready-fd 9 "$folder" 9<> "$fifo" 2> "$ERR" &
	pid=$!
	CHILDREN+=("$pid")
	read -r -t 10 -n 1 _ <> "$fifo" || fail "$1: not ready after 10 s" "$ERR"
	ip netns exec "$client" "$GEN" udp-send 192.0.2.2 9999 -n 700 --rate 1500 > "$TMP/sent"
	ip netns exec "$client" "$GEN" udp-send 192.0.2.2 53 -n 300 --rate 1500 >> "$TMP/sent"
	wait "$pid" || fail "$1: record fails" "$ERR"
	run "$WHYDROP" --json --from "$folder"
	[ "$STATUS" = 1 ] || fail "$1: status $STATUS, not 1" "$ERR" "$OUT"
}

is_so() { # is_so EXPRESSION WHAT
	json "$1" > "$TMP/value" 2>&1 || fail "$2" "$TMP/value" "$OUT"
}

with +bpf,+perfmon
is_so 'found("udp-noport")[0]["lost"]["traced"] == 700' "CAP_BPF and CAP_PERFMON: 700 drops traced"
is_so '{n["source"] for n in d["not_examined"] if n["source"]} - {"/dev/kmsg"} == {"nf_tables"}' \
	"rules need CAP_NET_ADMIN"
# kallsyms reads as zeros without CAP_SYSLOG.
grep -A12 NO_SOCKET "$TMP/open/+bpf,+perfmon/drops.json" > "$TMP/drops"
grep -qE '"__?udp[46]_lib_rcv' "$TMP/drops" ||
	fail "CAP_BPF and CAP_PERFMON: the drop is not at __udp4_lib_rcv" "$TMP/drops" \
		"$TMP/open/+bpf,+perfmon/drops.json"

# ip_tables_names is for root's group only.
with +net_admin,+net_raw,+dac_read_search
is_so 'found("fw-rule-drop")[0]["lost"]["packets"] == 300' "CAP_NET_ADMIN: the rule's 300"
is_so '"dport 53" in found("fw-rule-drop")[0]["subjects"][0]["rule"]["text"]' "CAP_NET_ADMIN: its text"
is_so 'found("udp-noport")[0]["lost"]["counted"] == 700' "the counters are for everybody"
is_so 'd["ledger"]["tracing_errno"] == "EPERM"' "tracing needs CAP_BPF and CAP_PERFMON"

# The kernel's log is CAP_SYSLOG's where dmesg_restrict is set.
with +net_admin,+net_raw,+dac_read_search,+bpf,+perfmon,+syslog
is_so 'd["ledger"]["unexplained"] == 0 and not any(n["source"] for n in d["not_examined"])' "all of them: nothing unexplained"

ip netns exec "$server" setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs \
	--inh-caps +net_admin --ambient-caps +net_admin "$WHYDROP" selfcheck --json > "$OUT"
is_so '[s["status"] for s in d["sources"] if s["source"] == "nf_tables"] == ["ok"]' \
	"CAP_NET_ADMIN alone unlocks nf_tables"
finish
