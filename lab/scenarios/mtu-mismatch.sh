# A bridge joins two devices of different MTUs: larger datagrams vanish
CAUSE=mtu-mismatch TOPOLOGY=router EXAMINE=$R SECONDS=3 TO=$B4 SIZE=1400

needs() {
	needs_bridge
}

# Where br_netfilter is there it would cut them into fragments instead
fault() {
	bridge_between
	in_ns "$R" sysctl -qw net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0 \
		2>/dev/null
	await 5 port_is "$RCDEV" forwarding && await 5 port_is "$RSDEV" forwarding
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	ip -n "$R" link set "$RSDEV" mtu 1300
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 500 --rate 1000
	gen "$C" udp-send "$TO" 5300 -n 1000 --rate 1000 --size "$SIZE"
	echo "lost=$((1500 - $(tally "$READER" received)))"
}

heal() {
	ip -n "$R" link set "$RSDEV" mtu 1500
}
