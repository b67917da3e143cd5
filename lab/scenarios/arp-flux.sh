# Two devices of one host on one bridge, in one network: each answers ARP for the other
CAUSE=arp-flux SEVERITY=info VERDICT=healthy EXAMINE=$S SECONDS=2

needs() {
	ip link add "wd$$" type bridge 2>/dev/null && ip link del "wd$$" && return
	echo "no bridge can be made here"
	return 77
}

# The client's end becomes a bridge with a second wire to the server
fault() {
	ip -n "$C" link add br0 type bridge mcast_snooping 0
	in_ns "$C" sysctl -qw net.ipv6.conf.br0.disable_ipv6=1
	ip -n "$C" link add eth1 netns "$C" type veth peer name eth1 netns "$S"
	for dev in "$CDEV" eth1; do ip -n "$C" link set "$dev" master br0 up; done
	ip -n "$C" addr del "$C4/24" dev "$CDEV"
	ip -n "$C" addr add "$C4/24" dev br0
	ip -n "$C" link set br0 up
	ip -n "$S" addr add 192.0.2.3/24 dev eth1
	ip -n "$S" link set eth1 up
	serve READER "$S" udp-recv 5300
	await 5 lab_is_up "$S"
}

traffic() {
	gen "$C" udp-send 192.0.2.3 5300 -n 50 --rate 100
}

heal() {
	in_ns "$S" sysctl -qw net.ipv4.conf.all.arp_ignore=1
}
