# IPv6 neighbour and multicast chatter of links that have just come up: noise, not loss
CAUSE=none EXAMINE=$S SECONDS=4 LAB_NOISE=1 WARM=0

traffic() {
	local ns

	for ns in "$C" "$S"; do
		ip -n "$ns" link set eth0 down
		ip -n "$ns" link set eth0 up
	done
	await 3 lab_is_up "$S"
}
