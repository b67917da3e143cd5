# The process that should read a connection is stopped; its window is closed before the sample begins
CAUSE=app-stopped VIA=tcp-zero-window-rx VERDICT=at-risk OWNER=gen EXAMINE=$S SECONDS=3 TO=$S4

fault() {
	serve SERVER "$S" tcp-listen 5400 --slow 200000
	serve CLIENT "$C" tcp-connect "$TO" 5400 -n 1 --bytes 20000000
	kill -STOP "$SERVER"
}

traffic() { sleep 2; }

heal() {
	kill -CONT "$SERVER"
	stop "$CLIENT"
}
