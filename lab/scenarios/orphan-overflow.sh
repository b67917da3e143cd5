# A host that may have 32 orphans closes 200 connections whose peers have fallen silent. The limit
# belongs to every namespace of the host: only in a virtual machine
CAUSE=orphan-overflow EXAMINE=$C HOST=1 SECONDS=5 TO=$S4

needs() {
	[ "$KERNEL" != host ] && return
	echo "tcp_max_orphans of this host is everybody's"
	return 77
}

# SILENT: the server's host drops everything once the connections stand
fault() {
	cat >"$LAB_DIR/client.py" <<-'PYTHON'
		import os, socket, sys
		held = [socket.create_connection((sys.argv[1], 5400)) for i in range(200)]
		os.write(1, b"connected\n")
		sys.stdin.readline()
		for c in held:
		    c.close()
		os.write(1, b"closed\n")
	PYTHON
	sysctl -qw net.ipv4.tcp_max_orphans=32
	serve SERVER "$S" tcp-listen 5400 --backlog 512
	SILENT=1
}

orphans() {
	in_ns "$C" ss -Htan state fin-wait-1 | wc -l
}

# What neither waits for its end nor came to it was cut off, at once or as its timer ran out
traffic() {
	local ask answer pid

	open_fifo ask
	open_fifo answer
	ip netns exec "$C" python3 "$LAB_DIR/client.py" "$TO" <&"$ask" >&"$answer" &
	pid=$!
	read -r -t 60 -u "$answer" _
	[ "$SILENT" = 0 ] || nft_in "$S" <<-'RULES'
		table inet silence {
			chain c {
				type filter hook prerouting priority -400
				tcp dport 5400 drop
			}
		}
	RULES
	echo >&"$ask"
	read -r -t 60 -u "$answer" _
	wait "$pid"
	[ "$SILENT" = 0 ] || sleep $((2 * STRETCH))
	[ "$SILENT" = 0 ] || echo "lost=$((200 - $(orphans)))"
}

heal() {
	in_ns "$S" nft delete table inet silence
	sysctl -qw net.ipv4.tcp_max_orphans=65536
	SILENT=0
}
