# Frames with a group's address as their source: no sender may have one
. "${BASH_SOURCE[0]%/*}/bridge-filter.sh"

fault() {
	bridge_between
	await 5 port_is "$RCDEV" forwarding && await 5 port_is "$RSDEV" forwarding
	serve READER "$S" udp-recv 5300
	SOURCE=03:00:00:00:01:01
}

traffic() {
	gen "$C" raw "$CDEV" --udp --from "$C4" --to "$TO" --to-port 5300 --dmac "$SMAC" \
		--smac "$SOURCE" -n 1000 --rate 1000
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	SOURCE=$CMAC
}
