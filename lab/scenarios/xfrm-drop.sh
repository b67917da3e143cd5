# An IPsec policy blocks what comes in
CAUSE=xfrm-drop EXAMINE=$S SECONDS=3 FROM=$C4 TO=$S4

needs() {
	[ -e /proc/net/xfrm_stat ] && return
	echo "this kernel does not count what IPsec drops"
	return 77
}

fault() {
	serve READER "$S" udp-recv 5300
	in_ns "$S" ip xfrm policy add src "$FROM" dst "$TO" dir in action block
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 1000 --rate 1000
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	in_ns "$S" ip xfrm policy flush
}
