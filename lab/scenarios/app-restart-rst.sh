# A server is killed and started again a while later; clients come all the time
CAUSE=app-restart-rst VIA=rst-closed-port EXAMINE=$S SECONDS=4 SEVERITY=warning TO=$S4

fault() {
	serve SERVER "$S" tcp-listen 5400 --backlog 1024
	RESTART=1
}

# At its end nothing of the server is left, so that nobody but those refused is answered so
traffic() {
	local first

	gen "$C" tcp-connect "$TO" 5400 -n 50 --rate 200
	if [ "$RESTART" = 1 ]; then
		stop "$SERVER"
		gen "$C" tcp-connect "$TO" 5400 -n 100 --rate 200
		first=$FAILED
		serve SERVER "$S" tcp-listen 5400 --backlog 1024
		gen "$C" tcp-connect "$TO" 5400 -n 50 --rate 200
		echo "lost=$((first + FAILED))"
	fi
}

heal() {
	RESTART=0
}
