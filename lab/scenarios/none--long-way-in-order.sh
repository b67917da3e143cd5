# A long way that keeps the order: nothing is sent again, and what fits goes out
CAUSE=none CLEARED="tcp-spurious-retrans tcp-reordering" EXAMINE=$C SECONDS=5

needs() { needs_tun; }

fault() {
	wire_between --delay 10
	serve SERVER "$S" tcp-listen 5400 --rcvbuf 65536 # what the wire carries
}

traffic() {
	gen "$C" tcp-connect "$W4" 5400 -n 1 --bytes 5000000 --time 4
}
