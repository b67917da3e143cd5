# One segment of twenty is overtaken by some others: TCP learns to wait for it, and nothing is lost
CAUSE=tcp-reordering SEVERITY=info VERDICT=healthy EXAMINE=$C SECONDS=5 TO=$W4

needs() { needs_tun; }

fault() {
	wire_between --delay 10 --late 20:2
	serve SERVER "$S" tcp-listen 5400 --rcvbuf 65536 # what the wire carries
}

traffic() {
	gen "$C" tcp-connect "$TO" 5400 -n 1 --bytes 10000000 --time 4
}

heal() {
	traffic() { gen "$C" tcp-connect "$S4" 5400 -n 1 --bytes 3000000; }
}
