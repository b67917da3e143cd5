#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What whydrop pcap says of the data of connections and of datagrams, on captures whose truth is known
# (tests/captures/data.py): each rule, and a near miss of it.
. "$(dirname "$0")/../lib.sh"

python3 "$ROOT/tests/captures/data.py" "$TMP" || fail "make the captures"

# name | exit status | cause of the first finding, - none | its via | the troubles that are there | what
# else holds: see judge.py
cat > "$TMP/truth" << 'END'
kinds | 0 | cap-retrans | - | loss client 1 8 0 2 | again["syn"] == 1 and again["fast"] == 2 and again["tlp"] == 2 and again["rto"] == 1 and again["after_rto"] == 2
needless_dsack | 0 | cap-retrans | - | loss client 1 0 0 5; spurious client 1 6 0 5 | c["d_sacks"] == 6
needless_eifel | 0 | cap-retrans | - | loss client 1 0 0 5; spurious client 1 6 0 5 |
needless_late | 0 | cap-retrans | - | loss client 1 0 0 6; spurious client 1 6 0 6 |
needed | 1 | cap-retrans | - | loss client 1 12 0 5 | again["needless"] == 0
doubled_behind | 1 | cap-retrans | - | loss client 1 12 0 8 | again["needless"] == 0 and c["d_sacks"] == 12
duplicate_acks | 0 | cap-retrans | - | loss client 1 2 0 17 | c["duplicate_acks"] == 7 and c["duplicate_ack_run"] == 5 and again["fast"] == 2
no_duplicate_acks | 0 | - | - | | c["duplicate_acks"] == 0 and c["keepalives"] == 3
window_limited | 0 | cap-mss-window | - | window client 1 0 0 1 | c["held_up_by"]["receiver_window"] >= 99 and 1.62 < c["window_allows_mbit"] < 1.65
network_limited | 0 | - | - | | c["held_up_by"]["network"] >= 99
program_limited | 0 | - | - | | c["held_up_by"]["program"] >= 89
window_unknown | 0 | - | - | | c["held_up_by"]["receiver_window"] == 0 and c["window_allows_mbit"] is None
stalled | 1 | cap-zero-window | - | zero-window server 1 1 2000 7 | c["stalled_by_zero_window_ms"] == 2500 and sum(c["held_up_by"].values()) == 100
hole_heard | 1 | cap-retrans | pmtu-blackhole | loss client 1 5 0 7; mtu client 1 5 0 7 | j["findings"][0]["confidence"] == "likely"
hole_told | 1 | cap-retrans | pmtu-blackhole | loss client 1 5 0 8; mtu client 1 5 0 8 | j["findings"][0]["confidence"] == "likely"
hole_steady | 1 | cap-retrans | estab-timeout | loss client 1 6 0 7; died client 1 6 3000 7 |
hole_sacked | 1 | cap-retrans | estab-timeout | loss client 1 5 0 9; died client 1 5 3510 9 |
acks_lost | 1 | cap-id-loss | - | id-loss client 1 12 0 57 | c["packets_lost_before_capture"] == 12
acks_shared_id | 0 | - | - | |
acks_no_id | 0 | - | - | |
damaged | 1 | cap-corrupt | tcp-csum-error | loss client 1 5 0 19; corrupt client 1 4 0 60 |
offload | 0 | cap-retrans | - | loss client 1 5 0 19 | j["tcp"]["checksums_examined"]["left_to_device"] == 97
odd_sums | 0 | - | - | |
media_lost | 1 | cap-rtp-loss | - | rtp-loss client 1 15 4 54 | c["rtp"]["packets"] == 1000 and abs(c["rtp"]["jitter_ms"] - 4) < 0.04
media_video | 0 | cap-rtp-loss | - | rtp-loss client 1 1 0 201 | c["rtp"]["payload_type"] == 96 and c["rtp"]["jitter_ms"] < 0.1
media_whole | 0 | - | - | | c["rtp"]["lost"] == 0 and c["rtp"]["packets"] == 400
media_alike | 0 | - | - | | c["rtp"] is None
asked_in_vain | 0 | cap-udp-silent | - | udp-silent server 1 3 0 1 | c["requests"] == 61 and c["answered"] == 58
asked_twice | 0 | cap-udp-silent | - | udp-late server 1 2 0 22 |
asked_and_answered | 0 | - | - | | c["requests"] == 61
others_answered | 1 | cap-udp-silent | - | udp-partly server 3 3 0 11 |
seldom_answered | 0 | - | - | |
pieces_without_rest | 1 | cap-fragments | - | fragments client 1 12 0 4 |
pieces_backwards | 0 | - | - | |
END
while IFS='|' read -r name status cause via troubles what; do
	read -r name <<< "$name" && read -r status <<< "$status"
	read -r cause <<< "$cause" && read -r via <<< "$via"
	run "$WHYDROP" pcap --json "$TMP/$name.pcap"
	[ "$STATUS" = "$status" ] || fail "$name: exit status $STATUS" "$OUT" "$ERR"
	said=$(python3 "$ROOT/tests/captures/judge.py" "$status" "$cause" "$via" "$troubles" "$what" < "$OUT") ||
		fail "$name: $said"
done < "$TMP/truth"

while IFS='|' read -r name words; do
	run "$WHYDROP" pcap "$TMP/$name.pcap"
	grep -qF -- "$words" <(tr -s ' \n' ' ' < "$OUT") || fail "$name: does not say '$words'" "$OUT"
done << 'END'
hole_told|ICMP said that the way takes 1280 bytes
hole_heard|an MSS of 1460 (client) and 1460 (server)
offload|are left to the sending device (offload)
END
finish
