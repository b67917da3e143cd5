# The memory for fragments is full of datagrams that never complete: complete ones find no room
CAUSE=frag-mem-limit EXAMINE=$S SECONDS=4 FROM=$C4 TO=$S4 WITNESS=IpReasmFails
KEY=net.ipv4.ipfrag

fragments() {
	in_ns "$C" python3 "$LAB/fragments.py" --dev "$CDEV" --dmac "$SMAC" --smac "$CMAC" "$@" \
		"$FROM" "$TO" 5300
}

fault() {
	serve READER "$S" udp-recv 5300
	in_ns "$S" sysctl -qw "${KEY}_time=120" "${KEY}_low_thresh=20000" "${KEY}_high_thresh=40000"
	fragments -n 40 --leave-out 1 --first-id 10000
}

# Three fragments each; all of a datagram arrive or none does
traffic() {
	fragments -n 200 --rate 200
	echo "lost=$(((200 - $(tally "$READER" received)) * 3))"
}

heal() {
	in_ns "$S" sysctl -qw "${KEY}_high_thresh=4194304"
}
