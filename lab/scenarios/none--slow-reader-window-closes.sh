# A reader that is slow but reads: its buffer is full and its window closed most of the time
CAUSE=none CLEARED=tcp-zero-window-rx EXAMINE=$S SECONDS=4

fault() {
	serve SERVER "$S" tcp-listen 5400 --slow 200000 --rcvbuf 1000000
	serve CLIENT "$C" tcp-connect "$S4" 5400 -n 1 --bytes 20000000
}

traffic() { sleep 3; }
