# The output chain drops the SYNs to one port: connect gets no error, it only takes forever
CAUSE=fw-output-drop EXAMINE=$C SECONDS=4 WITNESS=nft.drop

fault() {
	serve SERVER "$S" tcp-listen 5401
	serve OTHER "$S" tcp-listen 5400
	nft_in "$C" <<-RULES
		table inet filter {
			chain output {
				type filter hook output priority 0
				tcp dport 5401 counter drop
			}
		}
	RULES
}

traffic() {
	local before

	gen "$C" tcp-connect "$S4" 5400 -n 200 --bytes 1000
	before=$(syns_of "$C")
	gen "$C" tcp-connect "$S4" 5401 -n 100 --time 2.5
	echo "lost=$(($(syns_of "$C") - before - RECEIVED))"
}

heal() {
	in_ns "$C" nft flush ruleset
}
