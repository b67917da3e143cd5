#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Captures that are odd or cannot be read as a whole: what whydrop pcap says of them, and that what can
# be read is counted; and that memory has an end which is told.
. "$(dirname "$0")/../lib.sh"

python3 "$ROOT/tests/captures/make.py" "$TMP" || fail "make the captures"
python3 - "$TMP" << 'END' || fail "make the odd ones"
import pathlib, struct, sys
folder = pathlib.Path(sys.argv[1])
data = (folder / "lossy.pcap").read_bytes()
records, at = [], 24
while at < len(data):
    size = 16 + struct.unpack_from("<I", data, at + 8)[0]
    records.append(data[at:at + size])
    at += size
# Every tenth is one second older than the one in front of it.
back = [struct.pack("<I", struct.unpack("<I", r[:4])[0] - 1) + r[4:] if i % 10 == 9 else r
        for i, r in enumerate(records)]
(folder / "back.pcap").write_bytes(data[:24] + b"".join(back))
# Two link types, of which one is nobody's.
(folder / "mixed.pcapng").write_bytes(
    struct.pack("<IIIHHqI", 0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0, -1, 28) +
    struct.pack("<IIHHII", 1, 20, 1, 0, 0, 20) + struct.pack("<IIHHII", 1, 20, 147, 0, 0, 20) +
    b"".join(struct.pack("<IIIIIII", 6, 32 + len(r) - 16 + -len(r) % 4, i % 2, 0, i, len(r) - 16,
                         len(r) - 16) + r[16:] + b"\0" * (-len(r) % 4) +
             struct.pack("<I", 32 + len(r) - 16 + -len(r) % 4) for i, r in enumerate(records[:10])) +
    # The capture missed five billion packets.
    struct.pack("<IIIIIHHQHHI", 5, 40, 0, 0, 0, 5, 8, 5000000000, 0, 0, 40))
END

told() { # told EXPRESSION of j
	python3 -c 'import json, sys; j = json.load(open(sys.argv[1])); sys.exit(not eval(sys.argv[2]))' \
		"$OUT" "$1"
}

run "$WHYDROP" pcap --json "$TMP/back.pcap"
told 'j["capture"]["packets"] == 2256 and j["capture"]["damaged_n"] == 0' || fail "back.pcap" "$OUT" "$ERR"
run "$WHYDROP" pcap "$TMP/back.pcap"
grep -q "clock goes back at 225 packets" <(tr -s ' \n' ' ' < "$OUT") || fail "back.pcap: nothing is said of it" "$OUT"

run "$WHYDROP" pcap --json "$TMP/mixed.pcapng"
told 'j["capture"]["packets"] == 10 and j["capture"]["missed_by_capture"] == 5000000000' ||
	fail "mixed.pcapng" "$OUT" "$ERR"
run "$WHYDROP" pcap "$TMP/mixed.pcapng"
grep -q "147 (USER0)" "$OUT" || fail "mixed.pcapng: the link type is not named" "$OUT"

# A pipe that ends in the middle of a packet; of a pipe that nobody wrote into.
run "$WHYDROP" pcap --json - < <(head -c 100000 "$TMP/lossy.pcap")
told '0 < j["capture"]["packets"] < 2256 and j["capture"]["damaged_n"] == 1' &&
	grep -q "within a packet" "$OUT" || fail "half a pipe" "$OUT" "$ERR"
run "$WHYDROP" pcap - < <(:)
[ "$STATUS" = 2 ] && grep -q "standard input is empty" "$ERR" || fail "an empty pipe" "$OUT" "$ERR"

# Nobody may read it.
chmod 000 "$TMP/clean.pcap"
if [ "$(id -u)" = 0 ]; then
	chmod 755 "$TMP"
	run setpriv --reuid=65534 --regid=65534 --clear-groups "$WHYDROP" pcap "$TMP/clean.pcap"
else
	run "$WHYDROP" pcap "$TMP/clean.pcap"
fi
[ "$STATUS" = 2 ] && grep -q "cannot read .*: Permission denied" "$ERR" || fail "unreadable" "$OUT" "$ERR"

# 5,000 SYNs of a flood, of which 1 MiB does not hold all: they are counted, and so is what was given up.
run "$WHYDROP" pcap --json --memory 1 "$TMP/flood.pcap"
told 'j["tcp"]["given_up"] > 1000 and j["tcp"]["connections"] == 5001 and j["tcp"]["opened"] == 1' ||
	fail "--memory 1" "$OUT" "$ERR"
run "$WHYDROP" pcap --memory 1 "$TMP/flood.pcap"
grep -q "Too many at once: .* SYNs before an answer" <(tr -s ' \n' ' ' < "$OUT") || fail "--memory 1: nothing is said of it" "$OUT"
run "$WHYDROP" pcap --json "$TMP/flood.pcap"
told 'j["tcp"]["given_up"] == 0' || fail "given up though there is room" "$OUT"
run "$WHYDROP" pcap --memory 0 "$TMP/flood.pcap"
[ "$STATUS" = 2 ] || fail "--memory 0" "$OUT" "$ERR"
finish
