# A blackhole route on a router takes what should be forwarded: no counter moves
CAUSE=route-blackhole TOPOLOGY=router EXAMINE=$R SECONDS=3 SEVERITY=warning TO=$S4 TYPE=blackhole

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	ip -n "$R" route add "$TYPE" "$TO"
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 1000 --rate 1000
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	ip -n "$R" route del "$TYPE" "$TO"
}
