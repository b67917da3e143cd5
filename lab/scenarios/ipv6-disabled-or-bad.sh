# Datagrams for an address of a device where IPv6 was switched off
CAUSE=ipv6-disabled-or-bad EXAMINE=$S SECONDS=3 WITNESS=Ip6InDiscards
KEY=net.ipv6.conf.$SDEV.disable_ipv6

fault() {
	serve READER "$S" udp-recv 5300
	in_ns "$S" sysctl -qw "$KEY=1"
}

traffic() {
	gen "$C" udp-send "$S6" 5300 -n 1000 --rate 1000
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	in_ns "$S" sysctl -qw "$KEY=0"
	ip -n "$S" addr replace "$S6/64" dev "$SDEV" nodad
	ip -n "$S" neigh replace "$C6" lladdr "$CMAC" dev "$SDEV" nud permanent
}
# Switched on, the host sees that the packets are for another one
FIX_WORSE=not-local-forward-off
