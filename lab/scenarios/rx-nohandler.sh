# The inactive member of a bond hears what the switch sends to all its ports
CAUSE=rx-nohandler EXAMINE=$S SECONDS=3 SEVERITY=info FRAMES=1000

needs() {
	needs_bond
}

fault() {
	bond_server
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
}

traffic() {
	gen "$C" udp-send "$S4" 5300 -n 500 --rate 1000
	[ -n "$FRAMES" ] || return
	gen "$C" raw eth1 --udp --from "$C4" --to "$S4" --to-port 5300 --dmac "$SMAC" \
		--smac "$CMAC" -n "$FRAMES" --rate 1000
	echo "lost=$SENT"
}

heal() {
	FRAMES=''
}
