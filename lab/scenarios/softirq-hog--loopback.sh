# A program sends over loopback, so that its own CPU takes the packets in; it is named
CAUSE=softirq-hog SEVERITY=info VERDICT=healthy HOST=1 TOPOLOGY=lone SECONDS=6
SAYS='gen \([0-9]+\) sends over loopback'

needs() { needs_two_cpus; }

# Rules that match nothing make taking in dearer than sending
fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 16000000
	taskset -pc 0 "$READER" >/dev/null
	{
		echo "table inet long {"
		echo "chain c { type filter hook prerouting priority 0"
		for i in {1..20000}; do echo "udp sport $i"; done
		printf '}\n}\n'
	} | nft_in "$S"
}

traffic() {
	taskset -pc 1 "$BASHPID" >/dev/null
	in_ns "$S" nice -n -20 "$GEN" udp-send "$S4" 5300 -n 4000000 --time $((3 * STRETCH))
}

heal() {
	in_ns "$S" nft delete table inet long
}
