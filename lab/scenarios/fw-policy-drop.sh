# An nft input chain with policy drop; only one port is accepted, and served as before
CAUSE=fw-policy-drop EXAMINE=$S SECONDS=3 TO=$S4 FIX_OPTIONS="--for 1m"

fault() {
	serve READER "$S" udp-recv 5301 --rcvbuf 4000000
	serve OTHER "$S" udp-recv 5300 --rcvbuf 4000000
	nft_in "$S" <<-RULES
		table inet filter {
			chain input {
				type filter hook input priority 0; policy drop
				udp dport 5300 accept
			}
		}
	RULES
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 500 --rate 1000
	gen "$C" udp-send "$TO" 5301 -n 1000 --rate 1000
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	in_ns "$S" nft chain inet filter input '{ policy accept; }'
}
