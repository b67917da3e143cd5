# The receiver's program set a small SO_RCVBUF: over a long way its window is used up each round trip
CAUSE=buffer-limited-throughput SEVERITY=info VERDICT=healthy SAYS="peer's receive window" EXAMINE=$C
SECONDS=4 TO=$W4

needs() { needs_tun; }

fault() {
	wire_between --delay 10
	serve SERVER "$S" tcp-listen 5400 --rcvbuf 32768
	serve CLIENT "$C" tcp-connect "$TO" 5400 -n 1 --bytes 100000000
}

traffic() { sleep 3; }

heal() {
	stop "$CLIENT" "$SERVER"
	serve SERVER "$S" tcp-listen 5400
}
