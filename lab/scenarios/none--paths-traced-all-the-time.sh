# Three programs like mtr trace paths through a quiet router: four packets a second end there
CAUSE=none TOPOLOGY=router EXAMINE=$R SECONDS=5

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
}

traffic() {
	gen "$C" udp-send "$S4" 5300 -n 100 --rate 200
	in_ns "$C" sysctl -qw net.ipv4.ip_default_ttl=1
	gen "$C" udp-send "$S4" 33434 -n 15 --ports 15 --rate 4
	in_ns "$C" sysctl -qw net.ipv4.ip_default_ttl=64
}
