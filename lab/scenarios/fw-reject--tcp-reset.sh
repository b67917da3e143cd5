# iptables rejects a TCP port with a reset: it looks like a closed port, and it is a rule
CAUSE=fw-reject EXAMINE=$S SECONDS=3 SEVERITY=warning IPTABLES=iptables-nft

needs() { needs_command $IPTABLES; }

fault() {
	serve SERVER "$S" tcp-listen 5401
	serve OTHER "$S" tcp-listen 5400
	in_ns "$S" $IPTABLES -A INPUT -p tcp --dport 5401 -j REJECT --reject-with tcp-reset
}

traffic() {
	gen "$C" tcp-connect "$S4" 5400 -n 200 --bytes 1000
	gen "$C" tcp-connect "$S4" 5401 -n 300 --rate 300
	echo "lost=$((300 - RECEIVED))"
}

heal() {
	in_ns "$S" $IPTABLES -F INPUT
}
