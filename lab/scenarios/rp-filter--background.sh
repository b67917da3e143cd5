# Sources without a way back among well-served ones
. "${BASH_SOURCE[0]%/*}/rp-filter.sh"

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	serve OTHER "$S" udp-recv 5301 --rcvbuf 4000000
	serve SERVER "$S" tcp-listen 5400
	in_ns "$S" sysctl -qw net.ipv4.conf.all.rp_filter=1
}

traffic() {
	gen "$C" udp-send "$S4" 5301 -n 1000 --rate 5000
	gen "$C" tcp-connect "$S4" 5400 -n 100 --bytes 5000
	gen "$C" raw "$CDEV" --udp --from 10.55.0.1 --to "$S4" --to-port 5300 --dmac "$SMAC" \
		--smac "$CMAC" -n 700 --rate 1000 --sources 7
	echo "lost=$((SENT - $(tally "$READER" received)))"
}
