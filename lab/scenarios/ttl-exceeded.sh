# Packets come to a router with their TTL used up, as in a routing loop
CAUSE=ttl-exceeded TOPOLOGY=router EXAMINE=$R SECONDS=3 TO=$S4 WITNESS=IpInHdrErrors
KEY=net.ipv4.ip_default_ttl

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	in_ns "$C" sysctl -qw "$KEY=1"
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 1000 --rate 1000
	echo "lost=$((1000 - $(tally "$READER" received)))"
}

heal() {
	in_ns "$C" sysctl -qw "$KEY=64"
}
