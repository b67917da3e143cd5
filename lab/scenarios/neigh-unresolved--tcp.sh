# TCP connections to a neighbour that does not exist: each SYN waits, then EHOSTUNREACH
. "${BASH_SOURCE[0]%/*}/neigh-unresolved.sh"

fault() {
	serve SERVER "$S" tcp-listen 5400
}

traffic() {
	gen "$C" tcp-connect "$DEAD" 5400 -n 50 --time 4
	echo "lost=$FAILED"
}
