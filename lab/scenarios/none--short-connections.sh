# Thousands of short TCP connections, all accepted and served
CAUSE=none EXAMINE=$S SECONDS=4

fault() {
	serve SERVER "$S" tcp-listen 5400 --backlog 4096
}

traffic() {
	gen "$C" tcp-connect "$S4" 5400 -n 3000 --rate 2000 --bytes 500
	gen "$C" tcp-connect "$S6" 5400 -n 1000 --rate 2000 --bytes 500
}
