# An accept queue that fills to four fifths, and is emptied
CAUSE=none EXAMINE=$S SECONDS=3

fault() {
	serve SERVER "$S" tcp-listen 5400 --backlog 50
	kill -STOP "$SERVER"
}

traffic() {
	gen "$C" tcp-connect "$S4" 5400 -n 40 --rate 200 --hold 1
	kill -CONT "$SERVER"
	tally "$SERVER" received
}
