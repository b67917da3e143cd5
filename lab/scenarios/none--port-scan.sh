# Somebody tries 400 TCP ports; one of them is open
CAUSE=none EXAMINE=$S SECONDS=4

fault() {
	serve SERVER "$S" tcp-listen 5400 --backlog 128
}

traffic() {
	gen "$C" tcp-connect "$S4" 5300 -n 400 --rate 200 --ports 400
}
