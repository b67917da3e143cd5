# Two faults at once: one rule drops what comes in for a port, another what this host sends
. "${BASH_SOURCE[0]%/*}/fw-rule-drop.sh"
BOTH="fw-rule-drop fw-output-drop"

fault() {
	serve READER "$S" udp-recv 5301 --rcvbuf 4000000
	serve CLIENT "$C" udp-recv 5302 --rcvbuf 4000000
	nft_in "$S" <<-RULES
		table inet filter {
			chain input {
				type filter hook input priority 0
				udp dport 5301 counter drop
			}
			chain output {
				type filter hook output priority 0
				udp dport 5302 counter drop
			}
		}
	RULES
}

traffic() {
	gen "$S" udp-send "$C4" 5302 -n 300 --rate 1000
	gen "$C" udp-send "$S4" 5301 -n 1000 --rate 1000
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	in_ns "$S" nft flush ruleset
}
