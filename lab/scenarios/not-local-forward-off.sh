# Datagrams for an address that the host does not have, and it forwards nothing
CAUSE=not-local-forward-off EXAMINE=$S SECONDS=3 FROM=$C4 TO=198.51.100.9 WITNESS=IpInAddrErrors

traffic() {
	gen "$C" raw "$CDEV" --udp --from "$FROM" --to "$TO" --to-port 5300 --dmac "$SMAC" \
		--smac "$CMAC" -n 1000 --rate 1000
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
}

heal() {
	ip -n "$S" addr add "$TO" dev lo nodad 2>/dev/null || ip -n "$S" addr add "$TO" dev lo
}
