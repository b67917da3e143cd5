# IPv6 is switched off, and the neighbours' multicast comes in all the same
CAUSE=none EXAMINE=$S SECONDS=3 VERDICT=healthy SEVERITY=info

fault() {
	in_ns "$S" sysctl -qw net.ipv6.conf."$SDEV".disable_ipv6=1
}

traffic() {
	gen "$C" raw "$CDEV" --udp --from "$C6" --to ff02::fb --from-port 5353 --to-port 5353 \
		--dmac 33:33:00:00:00:fb --smac "$CMAC" -n 300 --rate 200
}
