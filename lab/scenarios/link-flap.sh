# The other end of a link goes down and comes back, twice: what is sent meanwhile is lost
CAUSE=link-flap EXAMINE=$C SECONDS=4 TO=$S4 FLAPS=0

fault() {
	serve READER "$S" udp-recv 5300
	FLAPS=2
}

# The other end goes down with its addresses of IPv6 and what it knows of its neighbours
flap() {
	ip -n "$S" link set "$SDEV" down
	gen "$C" udp-send "$TO" 5300 -n 300 --rate 1000
	ip -n "$S" link set "$SDEV" up
	ip -n "$S" addr replace "$S6/64" dev "$SDEV" nodad
	ip -n "$S" neigh replace "$C4" lladdr "$CMAC" dev "$SDEV" nud permanent
	ip -n "$S" neigh replace "$C6" lladdr "$CMAC" dev "$SDEV" nud permanent
	await 5 lab_is_up "$S"
	await 5 lab_is_up "$C"
}

traffic() {
	local i all=0

	for ((i = 0; i < 2; i++)); do
		gen "$C" udp-send "$TO" 5300 -n 500 --rate 1000
		all=$((all + SENT))
		[ "$i" -lt "$FLAPS" ] || continue
		flap
		all=$((all + SENT))
	done
	echo "lost=$((all - $(tally "$READER" received)))"
}

heal() {
	FLAPS=0
}
