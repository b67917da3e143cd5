# A bridge between client and server hands its frames to iptables, whose FORWARD drops one port
CAUSE=br-netfilter-drop TOPOLOGY=router EXAMINE=$R SECONDS=3 TO=192.0.2.9

needs() {
	ip -n "$R" link add probe type bridge && ip -n "$R" link del probe &&
		in_ns "$R" test -e /proc/sys/net/bridge/bridge-nf-call-iptables && return
	echo "this kernel has no bridge, or br_netfilter is not loaded"
	return 77
}

# The router's devices become ports of a bridge, and the server has an address of the client's net
bridge_the_ends() {
	local dev

	ip -n "$R" link add br0 type bridge
	for dev in "$RCDEV" "$RSDEV"; do
		ip -n "$R" addr flush dev "$dev"
		ip -n "$R" link set "$dev" master br0
	done
	ip -n "$R" link set br0 up
	ip -n "$S" addr add $TO/24 dev "$SDEV"
	ip -n "$C" neigh replace $TO lladdr "$SMAC" dev "$CDEV" nud permanent
	serve READER "$S" udp-recv 5301 --rcvbuf 4000000
	serve OTHER "$S" udp-recv 5300 --rcvbuf 4000000
}

fault() {
	bridge_the_ends
	in_ns "$R" sysctl -qw net.bridge.bridge-nf-call-iptables=1
	nft_in "$R" <<-RULES
		table ip filter {
			chain forward {
				type filter hook forward priority 0
				iifname "br0" udp dport 5301 counter drop
			}
		}
	RULES
}

traffic() {
	gen "$C" udp-send $TO 5300 -n 500 --rate 1000
	gen "$C" udp-send $TO 5301 -n 1000 --rate 1000
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	in_ns "$R" sysctl -qw net.bridge.bridge-nf-call-iptables=0
}
