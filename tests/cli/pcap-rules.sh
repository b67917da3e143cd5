#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# How connections begin and end, as whydrop pcap tells it of captures whose truth is known
# (tests/captures/rules.py): what it finds in each, in which words, and what it does not say of the
# near misses; and what the place of a capture, its filter or a protocol makes look like a fault
# (tests/captures/artefacts.py).
. "$(dirname "$0")/../lib.sh"

python3 "$ROOT/tests/captures/rules.py" "$TMP" || fail "make the captures"
python3 "$ROOT/tests/captures/artefacts.py" "$TMP" || fail "make the captures"

# name | exit status | cause of the first finding, - none | its via | the troubles: see judge.py |
# words of the text; after a !, words that it must not have
cat > "$TMP/truth" << 'END'
paws_nat         | 1 | cap-syn-paws | tw-recycle-legacy | syn-paws server 2 10 4176 9 | two hosts behind one address
paws_both_answered | 1 | cap-handshake | syn-timeout | syn-selective server 2 10 4344 17 | ! tw_recycle
paws_random      | 1 | cap-handshake | syn-timeout | syn-selective server 2 10 4176 9 | ! tw_recycle
paws_newer       | 1 | cap-handshake | syn-timeout | syn-selective server 2 10 4176 9 | ! tw_recycle
paws_other_address | 1 | cap-handshake | syn-timeout | syn-selective server 2 10 4176 9 | ! tw_recycle
paws_minute_over | 1 | cap-handshake | listen-overflow | syn-queue server 2 10 4008 9 | ! tw_recycle
timewait_filtered | 1 | cap-syn-paws | paws-timewait | syn-timewait server 1 3 2000 1 | which is in TIME_WAIT there
timewait_reused  | 0 | cap-syn-paws | paws-timewait | syn-late server 1 1 29 1; loss client 1 1 0 4 | met an older one of their port
queue_full       | 1 | cap-handshake | listen-overflow | syn-queue server 3 15 4012 25 | made near the server, where the SYNs came
queue_full_far   | 1 | cap-handshake | listen-overflow | syn-queue server 3 15 4012 25 | made near the client
always_silent    | 1 | cap-handshake | syn-timeout | syn-silent server 3 15 4012 1 | It answered nobody in the whole capture
selective_source | 1 | cap-handshake | syn-timeout | syn-selective server 2 10 4176 9 | No other connection of their addresses was answered
selective_port   | 1 | cap-handshake | syn-timeout | syn-selective server 2 10 4176 9 | were answered on other ports
syn_lost_once    | 0 | cap-retrans | - | loss client 2 2 0 10 | ! ignores
synack_lost      | 1 | cap-handshake | synack-retrans | synack-silent client 1 3 0 2; loss client 1 3 0 3; loss server 1 2 0 4 | the SYN-ACKs do not reach them
ack_lost         | 1 | cap-handshake | listen-overflow | accept-full server 1 1 0 11; loss server 1 1 0 12 | made near the client: the ACK was lost
cookies          | 0 | cap-handshake | synq-cookies | syn-bare server 3 3 0 10 | answered SYNs without their options
old_stack        | 0 | - | - | | ! cookies
flood_answered   | 1 | cap-syn-flood | syn-flood | syn-flood server 5001 5001 0 2025 | most of them once: forged; TTL, window and options are the same
rush             | 0 | - | - | | ! flood
overload         | 1 | cap-handshake | listen-overflow | syn-queue server 2000 6000 2000 1 | ! flood
refused_storm    | 1 | cap-handshake | rst-closed-port | syn-refused server 3000 0 0 1 | ! flood
direct_return    | 0 | cap-two-ways | - | two-ways server 5 5 0 2 | answers take different ways
inline           | 0 | - | - | | ! different ways
shared_mac       | 0 | - | - | | ! different ways
direction_stops  | 1 | cap-two-ways | - | direction client 1 5 6660 10; loss client 1 5 0 10 | The way from the client is cut
both_stop        | 1 | cap-retrans | estab-timeout | died client 1 5 6540 8; loss client 1 5 0 8 | The way broke, or the other host went away
refused_data     | 1 | cap-retrans | estab-timeout | died client 1 5 0 7; loss client 1 5 0 7 | gets packets and does not take these
both_sides_of_router | 1 | cap-rst-origin | - | duplicated client 1 4 0 2; duplicated server 1 3 0 12; loss server 1 1 0 4; reset-abort server 1 0 0 31 | ! forged
flag_scan        | 0 | cap-flags | - | flags server 4 4 0 1; flags server 4 4 0 5; flags server 4 4 0 9; flags server 4 4 0 13; flags server 4 4 0 17; flags server 4 4 0 21; flags server 4 4 0 25; flags server 4 4 0 29 | 32 segments with impossible TCP flags
close_wait       | 1 | cap-teardown | close-wait-leak | close-wait server 1 0 90060 6 | stays in CLOSE_WAIT
close_wait_short | 0 | - | - | | ! CLOSE_WAIT
half_closed      | 0 | - | - | | ! CLOSE_WAIT
fin_missed       | 0 | cap-gap | - | gap server 1 1 0 8 | ! CLOSE_WAIT
fin_silent       | 0 | cap-retrans | - | loss client 1 4 0 7; fin-silent client 1 5 3140 6 | nobody acknowledged the FIN
fin_again        | 0 | cap-retrans | - | loss client 1 1 0 7 | ! nobody acknowledged
crossed          | 0 | - | - | | TIME_WAIT at the client 1, at the server 1
reset_read       | 0 | - | - | | ! reset by
idle_350         | 1 | cap-rst-origin | keepalive-vs-lb-idle | reset-idle server 4 0 351500 9 | between 60.0 s, which was survived, and 350.0 s. All 4 silences are within 3 % of each other: it is a timer. 350 s is what AWS
idle_keepalive   | 1 | cap-rst-origin | keepalive-vs-lb-idle | reset-idle server 4 0 401500 7 | keepalive came after 400.0 s, too late
idle_outlived    | 1 | cap-rst-origin | keepalive-vs-lb-idle | reset-idle server 2 0 350500 9 | no fixed limit explains
peer_restarted   | 1 | cap-keepalive | rst-unknown-connection | reset-unknown server 1 0 0 13 | answered by a reset
injected         | 1 | cap-rst-origin | rst-middlebox | reset-injected server 1 0 0 6 | were injected
injected_twice   | 1 | cap-rst-origin | rst-middlebox | reset-injected server 1 0 0 6 | were injected
reset_overtook   | 1 | cap-rst-origin | - | reset-abort server 1 0 0 6 | ! injected
reset_each       | 1 | cap-rst-origin | - | reset-abort server 1 0 0 8 | ! injected
many_at_once     | 0 | - | - | | ! different ways
clients_only     | 0 | - | - | | ! flood
aborted          | 1 | cap-rst-origin | - | reset-abort server 1 0 0 9 | ! injected
queries_twice    | 0 | - | - | | ! asked again
numbers_again    | 0 | cap-udp-silent | - | udp-silent server 1 1 0 1 | does not answer some UDP requests
relayed          | 0 | - | - | | ! got no answer
refresh_lost     | 1 | cap-udp-silent | - | udp-silent server 1 12 0 1 | 12 requests in 1 flow
pieces_filtered  | 0 | cap-fragments | - | fragments client 1 40 0 1 | ! sent in pieces
keepalive_unseen | 0 | cap-retrans | - | loss client 1 1 0 2 | 2 segments of data, 1 sent again
END

while IFS='|' read -r name status cause via troubles words; do
	read -r name <<< "$name" && read -r status <<< "$status" && read -r words <<< "$words"
	read -r cause <<< "$cause" && read -r via <<< "$via"
	run "$WHYDROP" pcap --json "$TMP/$name.pcap"
	[ "$STATUS" = "$status" ] || fail "$name: exit status $STATUS" "$OUT" "$ERR"
	said=$(python3 "$ROOT/tests/captures/judge.py" "$status" "$cause" "$via" "$troubles" < "$OUT") ||
		fail "$name: $said"
	run "$WHYDROP" pcap "$TMP/$name.pcap"
	case $words in
	'! '*) ! tr -s ' \n' ' ' < "$OUT" | grep -qF -- "${words#! }" || fail "$name: '$words'" "$OUT" ;;
	*) tr -s ' \n' ' ' < "$OUT" | grep -qF -- "$words" || fail "$name: no '$words'" "$OUT" ;;
	esac
done < "$TMP/truth"

# What the JSON says of a note. Of port_scan there are more ports than are told apart.
while IFS='|' read -r name words; do
	run "$WHYDROP" pcap --json "$TMP/$name.pcap"
	[ "$STATUS" = 0 ] || fail "$name: exit status $STATUS" "$ERR"
	grep -qF -- "$words" "$OUT" || fail "$name: no '$words'" "$OUT"
done << 'END'
port_scan|5000 segments to at least 40
pieces_filtered|a capture with a filter on ports looks the same
END

# ---- the story of one connection ----

while IFS='|' read -r name words; do
	run "$WHYDROP" pcap "$TMP/$name.pcap" --flow 1
	tr -s ' \n' ' ' < "$OUT" | grep -qF -- "$words" || fail "$name --flow 1: no '$words'" "$OUT"
done << 'END'
crossed|both hold TIME_WAIT
half_closed|and still got data (half close) and holds TIME_WAIT
fin_silent|(its FIN was sent 5 times); the other side did not
peer_restarted|first keepalive after a pause of 8.000 s, the last 8.000 s after
idle_keepalive|first keepalive after a pause of 400.000 s
END
finish
