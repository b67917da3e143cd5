# TCP connections to a neighbour that does not exist: each SYN waits, then EHOSTUNREACH
. "${BASH_SOURCE[0]%/*}/neigh-unresolved.sh"

fault() {
	serve SERVER "$S" tcp-listen 5400
}

# Newer kernels do not send a SYN again while the first one still waits in the host; 6.1 may
traffic() {
	local again

	again=$(stat_of "$C" TcpRetransSegs)
	gen "$C" tcp-connect "$DEAD" 5400 -n 50 --time 4
	await 5 neigh_is_decided "$EXAMINE" "$DEAD" # what still waits for the neighbour is lost with it
	echo "lost=$((FAILED + $(stat_of "$C" TcpRetransSegs) - again))"
}
