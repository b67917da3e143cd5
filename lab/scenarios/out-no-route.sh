# A program sends to where the host has no route: it gets ENETUNREACH
CAUSE=out-no-route EXAMINE=$C SECONDS=3 SEVERITY=info TO=203.0.113.9 WITNESS=IpOutNoRoutes VIA_S=$S4

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 200 --rate 1000
	[ -n "$HEALED" ] || echo "lost=$FAILED"
}

heal() {
	HEALED=1
	ip -n "$C" route add "$TO" via "$VIA_S"
}
