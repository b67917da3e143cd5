# A policy wants what is sent encrypted, and nobody makes keys
. "${BASH_SOURCE[0]%/*}/xfrm-drop.sh"
EXAMINE=$C

fault() {
	serve READER "$S" udp-recv 5300
	in_ns "$C" ip xfrm policy add src "$FROM" dst "$TO" dir out tmpl src "$FROM" dst "$TO" \
		proto esp mode transport
}

heal() {
	in_ns "$C" ip xfrm policy flush
}
