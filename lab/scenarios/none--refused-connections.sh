# A few connections to a closed TCP port are refused: an answer, not a loss
CAUSE=none EXAMINE=$S SECONDS=3

traffic() {
	gen "$C" tcp-connect "$S4" 5400 -n 10 --rate 10
}
