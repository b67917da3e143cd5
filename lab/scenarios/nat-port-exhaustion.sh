# Source NAT has four ports, and a thousand connections to one service want one each
CAUSE=nat-port-exhaustion TOPOLOGY=router EXAMINE=$R SECONDS=3 WITNESS=conntrack.drop TO=$S4
NAT=198.51.100.254 FAMILY=ip

rules() {
	cat <<-RULES
		table inet nat {
			chain post {
				type nat hook postrouting priority 100
				oifname "$RSDEV" udp dport 5301 snat $FAMILY to $NAT:2000-2003
				oifname "$RSDEV" masquerade
			}
		}
	RULES
}

fault() {
	serve READER "$S" udp-recv 5301 --rcvbuf 4000000
	serve OTHER "$S" udp-recv 5300
	rules | nft_in "$R"
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 300 --rate 1000
	gen "$C" udp-send "$TO" 5301 -n 1000 --sockets 1000 --rate 1000
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	in_ns "$R" nft flush ruleset
	in_ns "$R" nft add table inet nat "{ chain post { type nat hook postrouting priority 100; oifname $RSDEV masquerade; }; }"
}
