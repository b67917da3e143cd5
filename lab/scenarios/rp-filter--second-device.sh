# A router with two devices, strict on the second only: what comes in there belongs to the first
. "${BASH_SOURCE[0]%/*}/rp-filter.sh"
TOPOLOGY=router EXAMINE=$R

fault() {
	serve READER "$C" udp-recv 5300 --rcvbuf 4000000
	ip -n "$R" route add 10.55.0.0/16 via "$C4"
	in_ns "$R" sysctl -qw net.ipv4.conf."$RSDEV".rp_filter=1
}

traffic() {
	gen "$S" raw "$SDEV" --udp --from 10.55.0.1 --to "$C4" --to-port 5300 \
		--dmac 02:00:00:00:02:fe --smac "$SMAC" -n 1000 --rate 1000 --sources 20
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	in_ns "$R" sysctl -qw net.ipv4.conf."$RSDEV".rp_filter=2
}
