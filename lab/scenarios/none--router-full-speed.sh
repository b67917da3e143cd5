# A router in heavy load: TCP at full speed both ways through its connection tracking and rules
CAUSE=none TOPOLOGY=router EXAMINE=$R SECONDS=5

needs() { needs_command iperf3; }

are_listening() {
	[ "$(in_ns "$S" ss -Hltn '( sport = :5201 or sport = :5202 )' | wc -l)" = 2 ]
}

fault() {
	nft_in "$R" <<-RULES
		table inet filter {
			chain forward {
				type filter hook forward priority 0; policy drop;
				ct state established,related counter accept
				iifname "$RCDEV" tcp dport { 5201, 5202 } counter accept
				iifname "$RCDEV" udp dport 5300 counter accept
				meta l4proto ipv6-icmp counter accept
			}
		}
	RULES
	in_ns "$S" iperf3 -s -1 -p 5201 >/dev/null &
	in_ns "$S" iperf3 -s -1 -p 5202 >/dev/null &
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	await 5 are_listening
}

traffic() {
	local down

	in_ns "$C" iperf3 -c "$S6" -p 5202 -t 3 -R &
	down=$!
	gen "$C" udp-send "$S4" 5300 -n 5000 --rate 5000
	in_ns "$C" iperf3 -c "$S4" -p 5201 -t 2
	wait $down
}
