# Two faults at once: a stopped reader, and sources that the reverse path filter refuses
. "${BASH_SOURCE[0]%/*}/app-stopped.sh"
BOTH="app-stopped rp-filter"

fault() {
	serve OTHER "$S" udp-recv 5301
	serve READER "$S" udp-recv 5300 --rcvbuf 65536
	kill -STOP "$READER"
	in_ns "$S" sysctl -qw net.ipv4.conf.all.rp_filter=1
}

traffic() {
	local unit

	gen "$C" raw "$CDEV" --udp --from 10.55.0.1 --to "$S4" --to-port 5301 --dmac "$SMAC" \
		--smac "$CMAC" -n 300 --rate 1000
	gen "$C" udp-send "$TO" 5300 -n 1
	unit=$(skmem "$S" 5300 r)
	gen "$C" udp-send "$TO" 5300 -n 4000 --rate 2000
	[ "$unit" = 0 ] || echo "lost=$((SENT + 1 - $(queued "$S" 5300 "$unit")))"
}

heal() {
	in_ns "$S" sysctl -qw net.ipv4.conf.all.rp_filter=0
	kill -CONT "$READER"
	tally "$READER" received
}
