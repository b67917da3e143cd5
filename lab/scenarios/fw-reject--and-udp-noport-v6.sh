# Two faults at once: over IPv4 a rule rejects a port, over IPv6 nobody listens on another
. "${BASH_SOURCE[0]%/*}/fw-reject.sh"
BOTH="fw-reject udp-noport"

traffic() {
	gen "$C" udp-send "$S6" 5309 -n 400 --rate 1000
	gen "$C" udp-send "$S4" 5301 -n 1000 --rate 1000
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	in_ns "$S" nft flush ruleset
	serve THIRD "$S" udp-recv 5309 --rcvbuf 4000000
}
