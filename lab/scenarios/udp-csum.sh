# Short datagrams with a wrong checksum: the kernel checks them before it looks for a socket
CAUSE=udp-csum EXAMINE=$S SECONDS=4 WITNESS=UdpInCsumErrors FROM=$C4 TO=$S4 SIZE=40 BAD=--bad-checksum

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 8000000 # a slow machine reads late
}

traffic() {
	gen "$C" raw "$CDEV" --udp --from "$FROM" --to "$TO" --to-port 5300 --dmac "$SMAC" \
		--smac "$CMAC" -n 500 --rate 500 --size "$SIZE" $BAD
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	BAD=
}
