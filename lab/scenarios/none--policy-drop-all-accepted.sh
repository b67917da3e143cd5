# An input chain with policy drop whose rules accept all that comes, and drop rules that match none
CAUSE=none EXAMINE=$S SECONDS=3

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	serve SERVER "$S" tcp-listen 5400
	nft_in "$S" <<-RULES
		table inet filter {
			chain input {
				type filter hook input priority 0; policy drop
				udp dport 5301 counter drop
				ct state established,related accept
				udp dport 5300 accept
				tcp dport 5400 accept
				meta l4proto ipv6-icmp accept
			}
		}
	RULES
}

traffic() {
	gen "$C" udp-send "$S4" 5300 -n 2000 --rate 2000
	gen "$C" tcp-connect "$S6" 5400 -n 200 --bytes 5000
}
