# A server ends and does not come back
. "${BASH_SOURCE[0]%/*}/app-restart-rst.sh"

traffic() {
	gen "$C" tcp-connect "$TO" 5400 -n 50 --rate 200
	if [ "$RESTART" = 1 ]; then
		stop "$SERVER"
		gen "$C" tcp-connect "$TO" 5400 -n 100 --rate 200
		echo "lost=$FAILED"
	fi
}

heal() {
	serve SERVER "$S" tcp-listen 5400 --backlog 1024
	RESTART=0
}
