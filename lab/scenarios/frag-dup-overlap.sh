# The second fragment of each datagram begins inside the first
CAUSE=frag-dup-overlap EXAMINE=$S SECONDS=6 FROM=$C4 TO=$S4 WRONG=--overlap SEVERITY=warning

fault() {
	serve READER "$S" udp-recv 5300
	in_ns "$S" sysctl -qw net.ipv4.ipfrag_time=1 net.ipv6.ip6frag_time=1
}

nothing_waits() {
	! in_ns "$S" cat /proc/net/sockstat /proc/net/sockstat6 | grep -q 'FRAG6\?: inuse [1-9]'
}

# What comes after the overlap waits for the rest in vain: no loss of its own
traffic() {
	# shellcheck disable=SC2086
	in_ns "$C" python3 "$LAB/fragments.py" --dev "$CDEV" --dmac "$SMAC" --smac "$CMAC" -n 200 \
		--rate 200 $WRONG "$FROM" "$TO" 5300
	await 10 nothing_waits
	echo "lost=$((200 - $(tally "$READER" received)))"
}

heal() {
	WRONG=
}
