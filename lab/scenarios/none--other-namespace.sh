# The neighbour's namespace loses packets, the one examined does not
CAUSE=none EXAMINE=$C SECONDS=3

traffic() {
	gen "$C" udp-send "$S4" 5300 -n 2000 --rate 1000
}
