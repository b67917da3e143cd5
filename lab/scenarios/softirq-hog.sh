# Packets of many flows are all sent to one CPU (RPS), which spends its time on a long rule list
CAUSE=softirq-hog VIA=softnet-backlog-drop HOST=1 EXAMINE=$S SECONDS=6 WITNESS=softnet.dropped TO=$S4
QUEUE=queues/rx-0/rps_cpus SOCKETS=20 RULES=1000 SAYS='each goes through 1000 firewall rules'

needs() { needs_two_cpus; }

# Rules that match nothing, but every packet goes through them
rule_work() {
	{
		echo "table inet long {"
		echo "chain c { type filter hook prerouting priority 0"
		for ((i = 1; i <= RULES; i++)); do echo "udp sport $i counter"; done
		printf '}\n}\n'
	} | nft_in "$S"
}

more_work() { rule_work; }

less_work() {
	in_ns "$S" nft delete table inet long
}

# Once softirqs have much to do they are a thread like others: what else runs there must not take
# their CPU
fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 16000000
	taskset -pc 0 "$READER" >/dev/null
	more_work
	KSOFTIRQD=$(pgrep -x ksoftirqd/1)
	on_exit renice 0 "$KSOFTIRQD"
	renice -20 "$KSOFTIRQD" >/dev/null
	in_ns "$S" sh -c "echo 2 >/sys/class/net/$SDEV/$QUEUE"
}

# The sender keeps to the other CPU, as the reader does
traffic() {
	taskset -pc 0 "$BASHPID" >/dev/null
	gen "$C" udp-send "$TO" 5300 -n 4000000 --time $((3 * STRETCH)) --sockets $SOCKETS
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	renice 0 "$KSOFTIRQD" >/dev/null
	less_work
	in_ns "$S" sh -c "echo 0 >/sys/class/net/$SDEV/$QUEUE"
}
