# Nobody reads, the receive queues are full and the windows zero: the sender waits, nothing is lost
CAUSE=none EXAMINE=$S SECONDS=5

fault() {
	serve SERVER "$S" tcp-listen 5400 --no-read
}

traffic() {
	gen "$C" tcp-connect "$S4" 5400 -n 3 --bytes 20000000 --parallel 3 --time 4
}
