# A router without a route for what it is to forward
CAUSE=in-no-route TOPOLOGY=router EXAMINE=$R SECONDS=3 SEVERITY=warning TO=203.0.113.9
WITNESS=IpExtInNoRoutes VIA_S=198.51.100.2

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	ip -n "$S" addr add "$TO" dev lo nodad 2>/dev/null || ip -n "$S" addr add "$TO" dev lo
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 1000 --rate 1000
	echo "lost=$((1000 - $(tally "$READER" received)))"
}

heal() {
	ip -n "$R" route add "$TO" via "$VIA_S"
}
