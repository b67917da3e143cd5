# What a traceroute makes at a router: three packets whose TTL runs out there
CAUSE=none TOPOLOGY=router EXAMINE=$R SECONDS=3

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
}

traffic() {
	gen "$C" udp-send "$S4" 5300 -n 500 --rate 1000
	in_ns "$C" sysctl -qw net.ipv4.ip_default_ttl=1
	gen "$C" udp-send "$S4" 33434 -n 3 --ports 3
	in_ns "$C" sysctl -qw net.ipv4.ip_default_ttl=64
}
