# The host's own output chain drops one UDP port: send fails with EPERM, another port works
CAUSE=fw-output-drop EXAMINE=$C SECONDS=3 WITNESS=nft.drop TO=$S4 FIX_OPTIONS="--for 1m"

rules() {
	cat <<-RULES
		table inet filter {
			chain output {
				type filter hook output priority 0
				udp dport 5301 counter drop
			}
		}
	RULES
}

fault() {
	serve READER "$S" udp-recv 5301 --rcvbuf 4000000
	serve OTHER "$S" udp-recv 5300 --rcvbuf 4000000
	rules | nft_in "$C"
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 500 --rate 1000
	gen "$C" udp-send "$TO" 5301 -n 1000 --rate 1000
	echo "lost=$((1000 - $(tally "$READER" received)))"
}

heal() {
	in_ns "$C" nft flush ruleset
}
