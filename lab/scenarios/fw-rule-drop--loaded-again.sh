# The table is loaded again in the middle: same rules, same handles, counters from zero
. "${BASH_SOURCE[0]%/*}/fw-rule-drop.sh"
WITNESS=

traffic() {
	gen "$C" udp-send "$TO" 5301 -n 600 --rate 1000
	[ "${HEALED:-0}" = 1 ] || (echo "flush ruleset"; rules) | nft_in "$S"
	gen "$C" udp-send "$TO" 5301 -n 400 --rate 1000
	echo "lost=$((1000 - $(tally "$READER" received)))"
}

heal() {
	HEALED=1
	in_ns "$S" nft flush ruleset
}
