# A quarter of a minute of an idle hour: what a quiet network sends anyway, at the pace it does
CAUSE=none EXAMINE=$S SECONDS=15 LAB_NOISE=1 WARM=0

fault() {
	serve SERVER "$S" tcp-listen 5400
}

traffic() {
	local from=${CMAC//:/} n

	# STP, LLDP, slow protocols; ARP for others; mDNS, SSDP and DHCP of others
	gen "$C" raw "$CDEV" "$(printf '0180c2000000%s0026424203%086d' "$from" 0)" -n 10 --rate 1 &
	n=$!
	gen "$C" raw "$CDEV" "$(printf '0180c200000e%s88cc%092d' "$from" 0)" \
		"$(printf '0180c2000002%s8809%092d' "$from" 0)" -n 2 --rate 1
	in_ns "$C" python3 - "$C4" <<-'PY'
		import socket, sys, time
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
		s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(sys.argv[1]))
		for second in range(10):
		    s.sendto(b"m" * 60, ("224.0.0.251", 5353))
		    if second % 3 == 0:
		        s.sendto(b"s" * 120, ("239.255.255.250", 1900))
		        s.sendto(b"d" * 300, ("192.0.2.255", 67))
		    time.sleep(1)
	PY
	gen "$C" tcp-connect "$S4" 5400 -n 1 --bytes 100
	wait $n
}
