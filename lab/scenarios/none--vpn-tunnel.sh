# A VPN that works: a tun device whose packets a program carries in UDP
CAUSE=none EXAMINE=$S SECONDS=5

needs() {
	[ -c /dev/net/tun ] && return
	echo "there is no /dev/net/tun"
	return 77
}

tunnel() { # tunnel NAMESPACE ADDRESS LOCAL PEER
	in_ns "$1" python3 "$LAB/tunnel.py" tun0 "$3" "$4" 1194 >"$LAB_DIR/tunnel-$1" &
	await 20 grep -q ready "$LAB_DIR/tunnel-$1"
	# As VPN programs set it: what fits into the link with their own headers
	printf '%s\n' "link set tun0 mtu 1420 up" "addr add $2 dev tun0" | ip -n "$1" -batch -
}

fault() {
	tunnel "$C" 10.9.0.1/24 "$C4" "$S4"
	tunnel "$S" 10.9.0.2/24 "$S4" "$C4"
	serve READER "$S" udp-recv 5300 --rcvbuf 1000000
	serve SERVER "$S" tcp-listen 5400
}

traffic() {
	gen "$C" udp-send 10.9.0.2 5300 -n 1500 --rate 800
	gen "$C" tcp-connect 10.9.0.2 5400 -n 20 --bytes 20000
}
