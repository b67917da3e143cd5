# iperf3 at full speed: spurious retransmissions and closed windows, but nothing lost
CAUSE=none EXAMINE=$S SECONDS=5

needs() { needs_command iperf3; }

is_listening() {
	[ -n "$(in_ns "$S" ss -Hltn sport = :5201)" ]
}

fault() {
	in_ns "$S" iperf3 -s -1 >/dev/null &
	await 5 is_listening
}

traffic() {
	in_ns "$C" iperf3 -c "$S4" -t 3
}
