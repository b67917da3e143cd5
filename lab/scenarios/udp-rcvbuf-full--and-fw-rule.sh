# Two faults at once: one socket's buffer is too small, and a firewall rule drops another port
. "${BASH_SOURCE[0]%/*}/udp-rcvbuf-full.sh"
BOTH="udp-rcvbuf-full fw-rule-drop"

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 8192 --every 0.02
	serve OTHER "$S" udp-recv 5301
	nft_in "$S" <<-RULES
		table inet filter {
			chain input {
				type filter hook input priority 0
				udp dport 5301 counter drop
			}
		}
	RULES
}

traffic() {
	gen "$C" udp-send "$TO" 5301 -n 300 --rate 1000
	gen "$C" udp-send "$TO" 5300 -n 6000 --size 500 --burst 600 --gap 0.1
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	in_ns "$S" nft flush ruleset
	stop "$READER"
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
}
