# A rule adds each source port to a set of 64, and more of them come; another set has room
CAUSE=nflog-set-full EXAMINE=$S SECONDS=3 VERDICT=at-risk SEVERITY=critical FROM=$C4 TO=$S4

fault() {
	nft_in "$S" <<-RULES
		table inet filter {
			set seen {
				type inet_service
				size 64
				flags dynamic
			}
			set roomy {
				type inet_service
				size 1024
				flags dynamic,timeout
				timeout 1m
			}
			chain input {
				type filter hook input priority 0
				udp dport 5300 update @roomy { udp sport }
				udp dport 5300 add @seen { udp sport } accept
			}
		}
	RULES
	serve READER "$S" udp-recv 5300
}

traffic() {
	gen "$C" raw "$CDEV" --udp --from "$FROM" --to "$TO" --to-port 5300 --dmac "$SMAC" \
		--smac "$CMAC" -n 400 --rate 400 --source-ports 100
}

heal() {
	in_ns "$S" nft flush ruleset
}
