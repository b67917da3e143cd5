# A Fast Open queue of 5, and 40 SYNs with data whose senders complete no handshake
CAUSE=tcp-fastopen EXAMINE=$S SECONDS=3 WITNESS=TcpExtTCPFastOpenListenOverflow SEVERITY=info
FROM=$C4 TO=$S4

# 0x200: no cookie is asked for
fault() {
	in_ns "$S" sysctl -qw net.ipv4.tcp_fastopen=$((0x203))
	listen_with fastopen 5
	nft_in "$C" <<-'RULES'
		table inet quiet {
			chain c {
				type filter hook output priority 0
				tcp flags & rst == rst drop
			}
		}
	RULES
}

listen_with() {
	local fd

	open_fifo fd
	ip netns exec "$S" python3 "$LAB/listen_with.py" "$fd" 5400 "$@" &
	SERVER=$!
	read -r -t 20 -u "$fd" _
}

# What was taken made a connection at once
traffic() {
	local before

	before=$(stat_of "$S" TcpExtTCPFastOpenPassive)
	gen "$C" raw "$CDEV" --tcp S --from "$FROM" --to "$TO" --to-port 5400 --dmac "$SMAC" \
		--smac "$CMAC" -n 40 --rate 200 --source-ports 40 --size 20
	echo "lost=$((SENT - $(stat_of "$S" TcpExtTCPFastOpenPassive) + before))"
}

heal() {
	stop "$SERVER"
	listen_with fastopen 1000
}
