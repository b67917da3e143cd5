#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Names as people type them: several words, dashes in them, several names, this host's values.
. "$(dirname "$0")/../lib.sh"

answers 0 '^slow start: ' "$WHYDROP" explain slow start
answers 0 '^netstat -s: ' "$WHYDROP" explain netstat -s
answers 0 '^ethtool -g: ' "$WHYDROP" explain ethtool -G eth0 rx 8192
answers 0 '^perf record: ' "$WHYDROP" explain sudo perf record -g -a -e skb:kfree_skb
answers 0 '^iptables -L: ' "$WHYDROP" explain 'iptables -L | grep policy'
answers 0 '^df -h: ' "$WHYDROP" explain df -h

# Several names: each is told, and what is unknown among them is said.
run "$WHYDROP" explain slow start QDISC_DROP somaxconn
[ "$STATUS" = 0 ] && [ "$(grep -cE '^(slow start|QDISC_DROP|net.core.somaxconn): ' "$OUT")" = 3 ] ||
	fail "three names" "$OUT" "$ERR"
run "$WHYDROP" explain slow start lisen overflow
[ "$STATUS" = 2 ] && grep -q '^slow start: ' "$OUT" &&
	grep -q "'lisen overflow'; near it: .*listen-overflow" "$ERR" || fail "one known, one near" "$OUT" "$ERR"

# The value is that of the namespace it is asked in.
answers 0 "^  now +$(cat /proc/sys/net/core/somaxconn)\$" "$WHYDROP" explain somaxconn
answers 0 '^  now +this kernel, or this network namespace' "$WHYDROP" explain tcp_tw_recycle
if [ "$(id -u)" = 0 ]; then
	space S
	ip netns exec "$S" sysctl -qw net.core.somaxconn=1234
	answers 0 '^  now +1234$' ip netns exec "$S" "$WHYDROP" explain net.core.somaxconn
	answers 0 '^  now +1$' ip netns exec "$S" sh -c \
		'sysctl -qw net.ipv4.conf.lo.rp_filter=1; exec "$0" explain net.ipv4.conf.lo.rp_filter' "$WHYDROP"
fi

# JSON, and every name that is listed.
run "$WHYDROP" explain --json somaxconn xyzzy
[ "$STATUS" = 2 ] || fail "status $STATUS, not 2, for an unknown name in JSON"
json 'd["schema"] == "whydrop.explain/1" and [a["found"] for a in d["answers"]] == [True, False]' > /dev/null ||
	fail "the JSON of two names" "$OUT"
"$WHYDROP" explain --list > "$TMP/names"
mapfile -t names < "$TMP/names"
for name in "${names[@]}"; do
	"$WHYDROP" explain -- "$name" > "$OUT" 2> "$ERR" || fail "listed and not explained: $name" "$ERR"
done
finish
