# A program of a real-time class has the reader's CPU to itself: nice does not count against it
. "${BASH_SOURCE[0]%/*}/cpu-saturated.sh"
SECONDS=3

fault() {
	serve READER "$S" udp-recv 5300
	taskset -pc 1 "$READER" >/dev/null
	LOOPS=()
	timeout $((10 * STRETCH)) chrt -f 10 taskset -c 1 sh -c 'while :; do :; done' &
	LOOPS+=($!)
}

needs() {
	needs_two_cpus || return
	chrt -f 10 true 2>/dev/null && return
	echo "no real-time priority here"
	return 77
}

traffic() {
	taskset -pc 0 "$BASHPID" >/dev/null
	gen "$C" udp-send "$TO" 5300 -n $((15000 * STRETCH)) --rate 10000
	echo "lost=$((SENT - $(tally "$READER" received)))"
}
