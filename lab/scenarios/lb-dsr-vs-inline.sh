# A balancer's address on lo of a server, in the network of its device, which answers ARP for it
CAUSE=lb-dsr-vs-inline SEVERITY=info VERDICT=healthy EXAMINE=$S SECONDS=1 SAYS='192.0.2.100/32 is on lo'

fault() {
	ip -n "$S" addr add 192.0.2.100/32 dev lo
}

traffic() {
	sleep 0.3
}

heal() {
	in_ns "$S" sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2
}
