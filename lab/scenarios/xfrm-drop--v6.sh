# The same over IPv6, and nobody listens: to UDP it looks like a closed port
. "${BASH_SOURCE[0]%/*}/xfrm-drop.sh"
FROM=$C6 TO=$S6

fault() {
	in_ns "$S" ip xfrm policy add src "$FROM" dst "$TO" dir in tmpl src "$FROM" dst "$TO" \
		proto esp mode transport
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 1000 --rate 1000
	[ -n "$READER" ] || echo "lost=$SENT"
}

heal() {
	in_ns "$S" ip xfrm policy flush
	serve READER "$S" udp-recv 5300
}
