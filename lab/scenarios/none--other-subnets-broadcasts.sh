# Two IPv4 subnets share a wire: the name service broadcasts of the other one come by
CAUSE=none EXAMINE=$S SECONDS=4

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
}

traffic() {
	gen "$C" udp-send "$S4" 5300 -n 100 --rate 200
	gen "$C" raw "$CDEV" --udp --from 10.77.0.5 --to 10.77.255.255 --from-port 137 --to-port 137 \
		--dmac ff:ff:ff:ff:ff:ff --smac "$CMAC" -n 30 --rate 10
}
