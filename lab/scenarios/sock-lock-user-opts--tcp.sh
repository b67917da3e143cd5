# A TCP server that set SO_RCVBUF and reads slowly: its clients wait, nothing is lost
CAUSE=sock-lock-user-opts SEVERITY=info VERDICT=healthy EXAMINE=$S SECONDS=4 TO=$S4

fault() {
	serve READER "$S" tcp-listen 5400 --slow 20000 --rcvbuf 16384
}

traffic() {
	gen "$C" tcp-connect "$TO" 5400 -n 1 --bytes 400000 --time 6 &
	sleep 3.4
}

heal() {
	stop "$READER"
	serve READER "$S" tcp-listen 5400
}
