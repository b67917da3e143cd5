# Datagrams from 127.0.0.9 come in from the network
CAUSE=martian EXAMINE=$S SECONDS=3 FROM=127.0.0.9 TO=$S4

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
}

traffic() {
	gen "$C" raw "$CDEV" --udp --from "$FROM" --to "$TO" --to-port 5300 --dmac "$SMAC" \
		--smac "$CMAC" -n 1000 --rate 1000
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	[ "$TO" = "$S6" ] && FROM=$C6 || FROM=$C4
}
