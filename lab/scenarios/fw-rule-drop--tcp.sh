# A rule drops the SYNs for one TCP port, while another port serves connections
CAUSE=fw-rule-drop EXAMINE=$S SECONDS=4 WITNESS=nft.drop

fault() {
	serve SERVER "$S" tcp-listen 5401
	serve OTHER "$S" tcp-listen 5400
	nft_in "$S" <<-RULES
		table inet filter {
			chain input {
				type filter hook input priority 0
				tcp dport 5401 counter drop
			}
		}
	RULES
}

traffic() {
	local before

	gen "$C" tcp-connect "$S4" 5400 -n 200 --bytes 1000
	before=$(stat_of "$C" TcpActiveOpens TcpExtTCPSynRetrans)
	gen "$C" tcp-connect "$S4" 5401 -n 100 --time 2.5
	echo "lost=$(($(stat_of "$C" TcpActiveOpens TcpExtTCPSynRetrans) - before - RECEIVED))"
}

heal() {
	in_ns "$S" nft flush ruleset
}
