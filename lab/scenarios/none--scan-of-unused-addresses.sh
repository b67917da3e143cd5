# A scan comes through a router: one datagram to each of 40 addresses that nobody has
CAUSE=none TOPOLOGY=router EXAMINE=$R SECONDS=6 WARM=0

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
}

traffic() {
	local i

	gen "$C" udp-send "$S4" 5300 -n 500 --rate 1000
	for ((i = 0; i < 40; i++)); do
		in_ns "$C" bash -c "echo >/dev/udp/198.51.100.$((100 + i))/161"
	done
	await 5 no_more_wait
}

no_more_wait() {
	! ip -n "$R" neigh show nud incomplete | grep -q .
}
