# -j NFQUEUE, and no program has bound the queue
CAUSE=nfqueue-drop EXAMINE=$S SECONDS=3 TO=$S4 IPTABLES=iptables-legacy

needs() {
	in_ns "$S" $IPTABLES -A INPUT -p udp --dport 9 -j NFQUEUE --queue-num 7 2>/dev/null &&
		in_ns "$S" $IPTABLES -F && return
	echo "this kernel has no NFQUEUE for $IPTABLES"
	return 77
}

fault() {
	serve READER "$S" udp-recv 5301
	serve OTHER "$S" udp-recv 5300
	in_ns "$S" $IPTABLES -A INPUT -p udp --dport 5301 -j NFQUEUE --queue-num 7
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 500 --rate 1000
	gen "$C" udp-send "$TO" 5301 -n 1000 --rate 1000
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	in_ns "$S" $IPTABLES -F
}
