# Strict reverse path filtering, and hosts of another subnet on the same wire that call out to all
CAUSE=none EXAMINE=$S SECONDS=4

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	in_ns "$S" sysctl -qw net.ipv4.conf.all.rp_filter=1
}

traffic() {
	gen "$C" udp-send "$S4" 5300 -n 100 --rate 200
	gen "$C" raw "$CDEV" --udp --from 10.77.0.5 --to 255.255.255.255 --from-port 17500 \
		--to-port 17500 --dmac ff:ff:ff:ff:ff:ff --smac "$CMAC" -n 20 --rate 10
}
