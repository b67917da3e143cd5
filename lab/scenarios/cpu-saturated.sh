# The reader shares a CPU with programs that never pause, and they come first (nice)
CAUSE=cpu-saturated VIA=udp-rcvbuf-full HOST=1 EXAMINE=$S SECONDS=6 WITNESS=UdpRcvbufErrors TO=$S4

needs() { needs_two_cpus; }

fault() {
	serve READER "$S" udp-recv 5300
	taskset -pc 1 "$READER" >/dev/null
	renice 19 "$READER" >/dev/null
	for i in 1 2; do
		timeout $((10 * STRETCH)) taskset -c 1 sh -c 'while :; do :; done' &
		LOOPS+=($!)
	done
}

traffic() {
	taskset -pc 0 "$BASHPID" >/dev/null
	gen "$C" udp-send "$TO" 5300 -n $((30000 * STRETCH)) --rate 10000
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	kill "${LOOPS[@]}"
	stop "$READER"
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
}
