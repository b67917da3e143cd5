# The process that should accept connections is stopped (SIGSTOP), and its accept queue overflows
CAUSE=app-stopped VIA=listen-overflow EXAMINE=$S SECONDS=4 WITNESS=TcpExtListenOverflows

fault() {
	serve SERVER "$S" tcp-listen 5400 --backlog 8
	kill -STOP "$SERVER"
}

traffic() {
	local before

	before=$(syns_of "$C")
	gen "$C" tcp-connect "$S4" 5400 -n 100 --rate 400 --hold 2 --time 2.5
	echo "lost=$(($(syns_of "$C") - before - RECEIVED))"
}

heal() {
	kill -CONT "$SERVER"
	tally "$SERVER" received
}
