# A neighbour that answers after most of a second: all that waited for it arrives
CAUSE=none TOPOLOGY=router EXAMINE=$R SECONDS=4 SLOW=198.51.100.99

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	in_ns "$S" sysctl -qw net.ipv4.conf.all.arp_ignore=8
	# A slow machine may take longer than the three seconds after which the kernel gives up
	in_ns "$R" sysctl -qw net.ipv4.neigh."$RSDEV".mcast_solicit=20
	ip -n "$S" addr add "$SLOW"/24 dev "$SDEV"
}

is_answered() {
	ip -n "$R" neigh show "$SLOW" | grep -q REACHABLE
}

traffic() {
	gen "$C" udp-send "$SLOW" 5300 -n 50 --rate 70
	in_ns "$S" sysctl -qw net.ipv4.conf.all.arp_ignore=0
	await 3 is_answered
	echo "arrived=$(tally "$READER" received)"
}
