#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Without any privilege it shows what it can, and says what is missing and what unlocks it.
. "$(dirname "$0")/../lib.sh"

nobody=()
[ "$(id -u)" != 0 ] || nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs)
plain=$(printf '%s ' "${nobody[@]}" "$WHYDROP")

# Never healthy: what a firewall drops cannot be seen.
answers "1 3" '^(LOSING|AT RISK|LOSS ELSEWHERE|NOT EXAMINED)' "${nobody[@]}" "$WHYDROP" -t 0.5
tr '\n' ' ' < "$OUT" | tr -s ' ' > "$TMP/line"
for words in 'without nf_tables \(EPERM\): run as root \(CAP_NET_ADMIN\)' \
	'kernel drop events \(EPERM\): run as root \(CAP_BPF and CAP_PERFMON\)'; do
	grep -qE "$words" "$TMP/line" || fail "$plain does not say '$words'" "$OUT"
done
# The counters are for everybody.
grep -qE 'ip|udp' "$OUT" && ! grep -qE 'without (/proc/|rtnetlink|sock_diag)' "$TMP/line" ||
	fail "$plain cannot read what anybody may" "$OUT"

# The kernel's log and its queues for programs are closed to others on most hosts, not on all.
run "${nobody[@]}" "$WHYDROP" -t 0.5 --json
json 'd["verdict"] in ("not-examined", "losing", "at-risk", "loss-elsewhere")
	and {n["source"] for n in d["not_examined"] if n["source"]} - {"kernel drop events",
		"kernel TCP events", "/dev/kmsg", "/proc/net/netfilter/nfnetlink_queue"} == {"nf_tables"}
	and d["ledger"]["tracing"] is None and d["ledger"]["tracing_errno"] == "EPERM"
	and d["ledger"]["traced"] is None' > "$TMP/value" 2>&1 ||
	fail "JSON: not what the text says" "$TMP/value" "$OUT"

answers 3 'unlock: run as root \(CAP_NET_ADMIN\)' "${nobody[@]}" "$WHYDROP" selfcheck
grep -qE '^  yes +/proc/net/snmp ' "$OUT" && grep -qE '^  yes +sock_diag ' "$OUT" ||
	fail "selfcheck: what anybody may read" "$OUT"
run "${nobody[@]}" "$WHYDROP" selfcheck --json
[ "$STATUS" = 3 ] || fail "selfcheck --json: status $STATUS"
json '[s["unlock"] for s in d["sources"] if s["source"] == "kernel drop events"] ==
	["run as root (CAP_BPF and CAP_PERFMON)"]' > "$TMP/value" 2>&1 ||
	fail "selfcheck: what unlocks tracing" "$TMP/value" "$OUT"

json 'd["tracing"] is None and d["watching"] == "counters"
	and [r["rung"] for r in d["rungs"] if r["available"]] == ["counters"]
	and {r["errno"] for r in d["rungs"] if "tp" in r["rung"]} <= {"EPERM"}
	and {m["capability"] for m in d["missing_capabilities"]} >= {"CAP_BPF", "CAP_PERFMON",
		"CAP_NET_ADMIN", "CAP_SYSLOG", "CAP_SYS_PTRACE"}' > "$TMP/value" 2>&1 ||
	fail "selfcheck: the rungs and the missing capabilities" "$TMP/value" "$OUT"
# The command that it proposes does what it says. (Here root stands for sudo.)
if [ "$(id -u)" = 0 ] && "$WHYDROP" selfcheck --json | grep -q '"tracing": "tp_btf"'; then
	for capability in CAP_BPF CAP_NET_ADMIN CAP_SYSLOG; do
		run "${nobody[@]}" "$WHYDROP" selfcheck --json
		command=$(python3 -c 'import json, sys
print([m["unlock"] for m in json.load(open(sys.argv[1]))["missing_capabilities"]
	if m["capability"] == sys.argv[2]][0])' "$OUT" $capability)
		[[ $command = "sudo setpriv "*" whydrop" ]] || fail "not a command: $command"
		command=${command#sudo }
		# shellcheck disable=SC2086 # it is a command
		run ${command%whydrop} "$WHYDROP" selfcheck --json
		json "not [m for m in d['missing_capabilities'] if m['capability'] == '$capability']
			and (d['tracing'] == 'tp_btf') == ('$capability' == 'CAP_BPF')" \
			> "$TMP/value" 2>&1 || fail "$command: not unlocked" "$TMP/value" "$OUT"
	done
fi

# What may not be entered is an error that names it, not an empty answer.
if [ "$(id -u)" = 0 ]; then
	space other
	refused 2 "'${other-}': Operation not permitted.*root" "${nobody[@]}" "$WHYDROP" -t 0.2 \
		--netns "$other"
	refused 2 "'1': Permission denied.*root" "${nobody[@]}" "$WHYDROP" -t 0.2 --netns 1
fi
answers "1 3" '.' "${nobody[@]}" "$WHYDROP" -t 0.2 --netns all
answers "1 3" 'since boot' "${nobody[@]}" "$WHYDROP" --since-boot
mkdir -m 777 "$TMP/open"
run "${nobody[@]}" "$WHYDROP" record -t 0.3 "$TMP/open/recording"
[ "$STATUS" = 0 ] || fail "record without privileges: status $STATUS" "$ERR"
answers "1 3" 'CAP_NET_ADMIN' "$WHYDROP" --from "$TMP/open/recording"
finish
