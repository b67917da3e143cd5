# Endless loops on every CPU, and traffic that comes through all the same
CAUSE=none HOST=1 EXAMINE=$S SECONDS=6

fault() {
	local n

	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	n=$(nproc)
	for ((i = 0; i < n; i++)); do
		timeout $((10 * STRETCH)) nice -n 19 sh -c 'while :; do :; done' &
	done
}

traffic() {
	gen "$C" udp-send "$S4" 5300 -n 15000 --rate 5000
	echo "lost=$((SENT - $(tally "$READER" received)))"
}
