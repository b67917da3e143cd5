# A neighbour entry made by hand names a card that is gone: SYNs are sent and never answered
CAUSE=stale-neigh-mac SEVERITY=info VERDICT=healthy EXAMINE=$C SECONDS=5

# Those who connect go on when the sample is over
fault() {
	serve LISTENER "$S" tcp-listen 5300 --backlog 200
	ip -n "$C" neigh replace "$S4" lladdr 02:00:00:00:09:99 dev "$CDEV" nud permanent
	serve CLIENT "$C" tcp-connect "$S4" 5300 -n 2
}

traffic() { sleep 4; }

heal() {
	stop "$CLIENT"
	ip -n "$C" neigh replace "$S4" lladdr "$SMAC" dev "$CDEV" nud permanent
}
