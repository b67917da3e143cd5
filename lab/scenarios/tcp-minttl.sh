# A listener that wants neighbours one hop away (TTL 255), and clients that send as usual
CAUSE=tcp-minttl EXAMINE=$S SECONDS=3 WITNESS=TcpExtTCPMinTTLDrop TO=$S4

fault() {
	demand ttl 255
}

demand() {
	local fd

	open_fifo fd
	ip netns exec "$S" python3 "$LAB/listen_with.py" "$fd" 5400 "$@" &
	SERVER=$!
	read -r -t 20 -u "$fd" _
}

# No SYN gets in, nor do the repeated ones
traffic() {
	local before

	before=$(syns_of "$C")
	gen "$C" tcp-connect "$TO" 5400 -n 30 --rate 100 --time 1.8
	echo "lost=$(($(syns_of "$C") - before - RECEIVED))"
}

heal() {
	stop "$SERVER"
	demand ttl 64
}
