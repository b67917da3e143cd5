# A catch-all REJECT answers a scan of 100 ports: it does what it is there for
CAUSE=none EXAMINE=$S SECONDS=4

fault() {
	nft_in "$S" <<-RULES
		table inet filter {
			chain input {
				type filter hook input priority 0
				counter reject with icmpx type admin-prohibited
			}
		}
	RULES
}

traffic() {
	gen "$C" udp-send "$S4" 5300 -n 120 --rate 40 --ports 100
}
