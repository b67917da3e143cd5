# Policy drop meets TCP: the clients' SYNs and their repetitions get no answer
CAUSE=fw-policy-drop EXAMINE=$S SECONDS=4

fault() {
	serve SERVER "$S" tcp-listen 5400
	nft_in "$S" <<-RULES
		table ip filter {
			chain input {
				type filter hook input priority 0; policy drop
			}
		}
	RULES
}

traffic() {
	local before

	before=$(stat_of "$C" TcpActiveOpens TcpExtTCPSynRetrans)
	gen "$C" tcp-connect "$S4" 5400 -n 100 --time 2.5
	echo "lost=$(($(stat_of "$C" TcpActiveOpens TcpExtTCPSynRetrans) - before - RECEIVED))"
}

heal() {
	in_ns "$S" nft flush ruleset
}
