# A firewall forgets idle connections, and answers with a reset when they speak again
CAUSE=rst-middlebox TOPOLOGY=router EXAMINE=$C SECONDS=4 WITNESS=TcpEstabResets TO=$S4
VERDICT=loss-elsewhere SEVERITY=warning

fault() {
	serve SERVER "$S" tcp-listen 5400
	be_idle
	nft_in "$R" <<-RULES
		table inet forgetful {
			chain c {
				type filter hook forward priority 0
				tcp dport 5400 tcp flags & (syn | ack) == ack meta length > 100 reject with tcp reset
			}
		}
	RULES
	sleep 2.5
}

# Connections that are silent until the file is there
be_idle() {
	local fd

	rm -f "$LAB_DIR/speak"
	open_fifo fd
	ip netns exec "$C" python3 "$LAB/close_early.py" idle "$TO" 5400 20 "$LAB_DIR/speak" >&"$fd" &
	CLIENT=$!
	CLIENT_FD=$fd
	read -r -t 20 -u "$fd" _
}

traffic() {
	local line

	sleep 1
	touch "$LAB_DIR/speak"
	read -r -t 20 -u "$CLIENT_FD" line
	echo "$line"
	[ "$(lab_field failed "$line")" = 0 ] || echo "lost=$(lab_field failed "$line")"
}

heal() {
	in_ns "$R" nft flush ruleset
	be_idle
}
