# Two thirds of the sessions that were stated
CAUSE=none EXAMINE=$C SECONDS=3
STATED="--limit connections=150"

fault() {
	serve SERVER "$S" tcp-listen 5400 --backlog 200
}

traffic() {
	gen "$C" tcp-connect "$S4" 5400 -n 100 --hold 2 --time 2.5
}
