# Sockets are closed with data still in them: the kernel frees it, nothing is lost on the way
CAUSE=none EXAMINE=$S SECONDS=3

fault() {
	serve READER "$S" udp-recv 5300 --no-read
	serve SERVER "$S" tcp-listen 5400 --no-read
}

traffic() {
	gen "$C" udp-send "$S4" 5300 -n 50
	gen "$C" tcp-connect "$S4" 5400 -n 5 --bytes 20000 --time 1
	stop "$READER" "$SERVER"
}
