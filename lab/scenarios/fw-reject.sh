# A rule rejects one UDP port by ICMP; the answers are rate-limited, so most senders hear nothing
CAUSE=fw-reject EXAMINE=$S SECONDS=3 SEVERITY=warning TO=$S4

rules() {
	cat <<-RULES
		table inet filter {
			chain input {
				type filter hook input priority 0
				udp dport 5301 counter reject with icmpx type admin-prohibited
			}
		}
	RULES
}

fault() {
	serve READER "$S" udp-recv 5301 --rcvbuf 4000000
	serve OTHER "$S" udp-recv 5300 --rcvbuf 4000000
	rules | nft_in "$S"
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 500 --rate 1000
	gen "$C" udp-send "$TO" 5301 -n 1000 --rate 1000
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	in_ns "$S" nft flush ruleset
}
