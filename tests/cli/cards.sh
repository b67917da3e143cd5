#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is read of network cards, live, is what ethtool says of the same ones: a veth pair in a
# namespace of its own, and this machine's cards.
. "$(dirname "$0")/../lib.sh"
cd "$ROOT" || exit 1

command -v ethtool > /dev/null || { fail "ethtool is not installed"; finish; }
ns=cards-$$
dir=$TMP
SPACES+=("$ns")
ip netns add "$ns" || exit 1
ip -n "$ns" link add card0 type veth peer name card1

# recorded NETNS DEVICE FOLDER: the counters as the driver gave them, one a line.
recorded() {
	local index
	index=$(ip ${1:+-n "$1"} -o link show "$2" | cut -d: -f1)
	python3 - "$3" "$index" << 'END'
import glob, struct, sys
folder, index = sys.argv[1:]
names = open(glob.glob(f"{folder}/*/b/ethtool/{index}-stat-names")[0], "rb").read()
values = open(glob.glob(f"{folder}/*/b/ethtool/{index}-stats")[0], "rb").read()
n = struct.unpack("=III", names[:12])[2]
assert n == struct.unpack("=II", values[:8])[1]
for i in range(n):
    name = names[12 + 32 * i:44 + 32 * i].split(b"\0")[0].decode().strip()
    print(name, struct.unpack_from("=Q", values, 8 + 8 * i)[0])
END
}

told() {
	${1:+ip netns exec "$1"} ethtool -S "$2" |
		awk 'NR > 1 { sub("^ *", ""); sub(": ([0-9]+)$", " " substr($0, match($0, "[0-9]+$"))); print }'
}

compare() { # compare NETNS DEVICE FOLDER [names]: those of a card in use move meanwhile
	[ -n "$(told "$1" "$2")" ] || fail "$2: ethtool -S says nothing"
	diff <(told "$1" "$2" | sed "${4:+s/ [0-9]*\$//}") \
		<(recorded "$1" "$2" "$3" | sed "${4:+s/ [0-9]*\$//}") > "$OUT" ||
		fail "$2: not what ethtool -S says" "$OUT"
}

"$WHYDROP" record --netns "$ns" -t 0.2 "$dir/veth" > "$OUT" 2>&1 || fail "record" "$OUT"
compare "$ns" card0 "$dir/veth"
compare "$ns" card1 "$dir/veth"

"$WHYDROP" record -t 0.2 "$dir/own" > "$OUT" 2>&1 || fail "record" "$OUT"
for device in /sys/class/net/*/device; do
	device=$(basename "$(dirname "$device")")
	[ -e "/sys/class/net/$device/device" ] || continue
	ethtool -S "$device" > /dev/null 2>&1 || continue
	compare "" "$device" "$dir/own" names
	echo "note: compared with ethtool -S $device"
done

# No network card: the stages link and ring are clear, and that is said.
"$WHYDROP" diagnose --netns "$ns" -t 0.3 --json > "$dir/veth.json" 2> "$OUT"
python3 - "$dir/veth.json" << 'END' || fail "cards of a namespace without any"
import json, sys
d = json.load(open(sys.argv[1]))
cleared = {c["cause"]: c["evidence"] for c in d["cleared"]}
for cause in "link-crc-errors", "link-frame-length-errors", "link-duplex-speed", "ring-rx-overflow":
    assert cause in cleared, cause
assert "no network card" in cleared["ring-rx-overflow"][0]["text"], cleared["ring-rx-overflow"]
END
finish
