# A reader that is too slow, behind RPS that does not ask where it runs
CAUSE=app-slow-reader BOTH=rfs-off EXAMINE=$S SECONDS=4 QUEUE=queues/rx-0/rps_cpus

fault() {
	serve READER "$S" udp-recv 5300 --slow 100000
	in_ns "$S" sh -c "echo 3 >/sys/class/net/$SDEV/$QUEUE"
}

traffic() {
	gen "$C" udp-send "$S4" 5300 -n 3000 --rate 1000 --size 1000
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	stop "$READER"
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	in_ns "$S" sh -c "echo 0 >/sys/class/net/$SDEV/$QUEUE"
}
