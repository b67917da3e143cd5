# A TCP receiver slower than its sender, within what its window holds: TCP waits, nothing is lost
CAUSE=none EXAMINE=$S SECONDS=4

fault() {
	serve SERVER "$S" tcp-listen 5400 --slow 400000 --rcvbuf 4000000
}

traffic() {
	gen "$C" tcp-connect "$S4" 5400 -n 1 --bytes 800000 --time 3
}
