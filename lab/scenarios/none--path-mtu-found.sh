# TCP over a router with a smaller MTU: ICMP says so, and the first segments are sent again, smaller
CAUSE=none TOPOLOGY=router EXAMINE=$R VERDICT=healthy SECONDS=4

fault() {
	serve SERVER "$S" tcp-listen 5400
	ip -n "$R" link set "$RSDEV" mtu 1300
}

traffic() {
	gen "$C" tcp-connect "$S4" 5400 -n 30 --parallel 30 --bytes 30000
	gen "$C" tcp-connect "$S6" 5400 -n 30 --parallel 30 --bytes 30000
}
