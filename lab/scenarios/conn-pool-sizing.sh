# A client without a pool: a connection for each request, all to one server, of 6,000 ports
CAUSE=conn-pool-sizing EXAMINE=$C VERDICT=healthy SEVERITY=info SECONDS=4 TO=$S4
SAYS='this end closes first'

fault() {
	in_ns "$C" sysctl -qw net.ipv4.ip_local_port_range='40000 45999'
	serve SERVER "$S" tcp-listen 5400 --backlog 256
}

traffic() {
	[ -n "$HEALED" ] || gen "$C" tcp-connect "$TO" 5400 -n 150 --rate 60 --bytes 10
}

# The remedy: the connections are kept
heal() {
	HEALED=1
	serve CLIENT "$C" tcp-connect "$TO" 5400 -n 20 --hold 60
}
