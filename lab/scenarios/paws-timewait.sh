# Clients behind one NAT address, some served and some ignored: the server closes first, the next
# client on the same NAT port has a clock that is behind, and the box swallows the reset by which it
# would clear the way
CAUSE=paws-timewait TOPOLOGY=router EXAMINE=$S SECONDS=6 TO=$S4 BASE=40000 CLOSES=server ROUNDS=4
CLIENTS="192.0.2.11 192.0.2.12 192.0.2.13 192.0.2.14 192.0.2.15"
# What the case had to rule out, each by its number
CLEARED="fw-rule-drop fw-policy-drop conntrack-table-full ring-rx-overflow softnet-backlog-drop
	listen-overflow rp-filter synq-full-drop synbacklog-quarter paws-estab tw-recycle-legacy"

needs() {
	needs_command conntrack
}

fault() {
	local address fd

	for address in $CLIENTS; do
		ip -n "$C" addr add "$address" dev "$CDEV"
		ip -n "$R" neigh replace "$address" lladdr "$CMAC" dev "$RCDEV" nud permanent
	done
	nft_in "$R" <<-RULES
		table inet box {
			chain out {
				type nat hook postrouting priority 100
				oifname "$RSDEV" ip saddr 192.0.2.0/24 snat ip to 198.51.100.254
				oifname "$RSDEV" ip6 saddr 2001:db8:1::/64 snat ip6 to 2001:db8:2::fe
			}
			chain strict {
				type filter hook forward priority 0
				iifname "$RCDEV" tcp flags rst drop
			}
		}
	RULES
	nft_in "$S" <<-RULES
		table inet filter {
			chain in {
				type filter hook input priority 0; policy drop
				meta l4proto { icmp, ipv6-icmp } accept
				ct state established,related counter accept
				tcp dport 5400 counter accept
			}
		}
	RULES
	open_fifo fd
	ip netns exec "$S" python3 "$LAB/nat_clients.py" serve 5400 "$fd" &
	SERVER=$!
	read -r -t 20 -u "$fd" _
}

# Every SYN that made no connection was refused, the repeated ones too
traffic() {
	local before line

	before=$(syns_of "$C")
	# shellcheck disable=SC2086
	line=$(in_ns "$C" python3 "$LAB/nat_clients.py" connect "$TO" 5400 "$R" \
		$ROUNDS $BASE $CLOSES $CLIENTS)
	echo "$line"
	echo "lost=$(($(syns_of "$C") - before - $(lab_field received "$line")))"
}

# The clients close first, and TIME_WAIT is theirs
heal() {
	stop "$SERVER"
	serve SERVER "$S" tcp-listen 5400 --backlog 1024
	BASE=50000 CLOSES=clients
}
