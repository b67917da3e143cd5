# Nobody reads, the receive queues are full and the windows closed: the senders wait, nothing is lost
CAUSE=tcp-zero-window-rx SEVERITY=warning VERDICT=at-risk OWNER=gen EXAMINE=$S SECONDS=5 TO=$S4

fault() {
	serve SERVER "$S" tcp-listen 5400 --no-read
}

traffic() {
	gen "$C" tcp-connect "$TO" 5400 -n 3 --bytes 20000000 --parallel 3 --time 4
}

heal() {
	stop "$SERVER"
	serve SERVER "$S" tcp-listen 5400
}
