# Strict reverse path filtering, and datagrams from a source that has no route back
CAUSE=rp-filter EXAMINE=$S SECONDS=3 WITNESS=TcpExtIPReversePathFilter

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	in_ns "$S" sysctl -qw net.ipv4.conf.all.rp_filter=1
}

traffic() {
	gen "$C" raw "$CDEV" --udp --from 10.55.0.1 --to "$S4" --to-port 5300 --dmac "$SMAC" \
		--smac "$CMAC" -n 1000 --rate 1000 --sources 20
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	in_ns "$S" sysctl -qw net.ipv4.conf.all.rp_filter=0
}
