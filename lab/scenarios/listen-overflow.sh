# A listener that does not accept: its short accept queue is full, further SYNs are dropped
CAUSE=listen-overflow EXAMINE=$S SECONDS=4 WITNESS=TcpExtListenOverflows TO=$S4
OWNER=gen

fault() {
	serve SERVER "$S" tcp-listen 5400 --backlog 8 --no-accept
}

# Every SYN that made no connection was dropped, the repeated ones too
traffic() {
	local before

	before=$(syns_of "$C")
	gen "$C" tcp-connect "$TO" 5400 -n 200 --rate 500 --hold 2 --time 2.5
	echo "lost=$(($(syns_of "$C") - before - RECEIVED))"
}

heal() {
	stop "$SERVER"
	serve SERVER "$S" tcp-listen 5400 --backlog 1024
}
