# Three faults of a router at once: no route to one network, a blackhole for another, and a rule that
# drops what is forwarded to one port
CAUSE=fw-forward-drop TOPOLOGY=router EXAMINE=$R SECONDS=4
BOTH="in-no-route route-blackhole fw-forward-drop"

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	serve OTHER "$S" udp-recv 5301 --rcvbuf 4000000
	serve THIRD "$S" udp-recv 5302 --rcvbuf 4000000
	for address in 203.0.113.9 203.0.113.130; do
		ip -n "$S" addr add "$address/32" dev lo
	done
	ip -n "$R" route add blackhole 203.0.113.128/25
	nft_in "$R" <<-RULES
		table inet filter {
			chain forward {
				type filter hook forward priority 0
				udp dport 5302 counter drop
			}
		}
	RULES
}

traffic() {
	gen "$C" udp-send 203.0.113.130 5301 -n 500 --rate 1000
	gen "$C" udp-send 203.0.113.9 5300 -n 1500 --rate 1000
	gen "$C" udp-send "$S4" 5302 -n 300 --rate 1000
	echo "lost=$((SENT - $(tally "$THIRD" received)))"
}

heal() {
	in_ns "$R" nft flush ruleset
	ip -n "$R" route del blackhole 203.0.113.128/25
	ip -n "$R" route add 203.0.113.0/24 via "$S4"
}
