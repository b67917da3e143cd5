# The reader of a UDP socket may use 2 % of a CPU (cgroup quota), far less than it needs
CAUSE=cgroup-cpu-throttle VIA=udp-rcvbuf-full EXAMINE=$S SECONDS=5 WITNESS=UdpRcvbufErrors TO=$S4

needs() { needs_cpu_cgroup; }

fault() {
	serve READER "$S" udp-recv 5300
	limit_cpu "$READER" 2
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 30000 --rate 15000
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	stop "$READER"
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
}
