#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# How connections begin and end, as whydrop pcap tells it of captures whose truth is known
# (tests/captures/rules.py): what it finds in each, in which words, and what it does not say of the
# near misses.
. "$(dirname "$0")/../lib.sh"

python3 "$ROOT/tests/captures/rules.py" "$TMP" || fail "make the captures"

# name | exit status | cause of the first finding, - none | its via | the troubles: see judge.py |
# words of the text; after a !, words that it must not have
cat > "$TMP/truth" << 'END'
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
