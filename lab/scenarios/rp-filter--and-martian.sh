# Two faults at once: sources without a way back, and sources that nobody may send from
. "${BASH_SOURCE[0]%/*}/rp-filter.sh"
BOTH="rp-filter martian" IMPOSSIBLE=127.0.0.9

traffic() {
	gen "$C" raw "$CDEV" --udp --from "$IMPOSSIBLE" --to "$S4" --to-port 5300 --dmac "$SMAC" \
		--smac "$CMAC" -n 300 --rate 1000
	tally "$READER" received
	gen "$C" raw "$CDEV" --udp --from 10.55.0.1 --to "$S4" --to-port 5300 --dmac "$SMAC" \
		--smac "$CMAC" -n 1000 --rate 1000 --sources 20
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	in_ns "$S" sysctl -qw net.ipv4.conf.all.rp_filter=0
	IMPOSSIBLE=$C4
}
