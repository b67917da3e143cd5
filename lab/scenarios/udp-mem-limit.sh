# One socket that nobody reads holds all the memory that udp_mem allows
CAUSE=udp-mem-limit EXAMINE=$S SECONDS=4 TO=$S4 HOST=1

fault() {
	BEFORE=$(sysctl -n net.ipv4.udp_mem)
	sysctl -qw net.ipv4.udp_mem='1 2 4'
	serve READER "$S" udp-recv 5300 --rcvbuf 30000000 --no-read
}

# What the queue keeps is not lost; one datagram alone tells how much each takes there
traffic() {
	local unit before

	before=$(queued "$S" 5300 2304)
	gen "$C" udp-send "$TO" 5300 -n 4000 --size 1000 --rate 3000
	unit=2304 # skmem r of one datagram of 1000 bytes
	echo "lost=$((SENT - ($(queued "$S" 5300 "$unit") - before)))"
}

heal() {
	sysctl -qw net.ipv4.udp_mem="$BEFORE"
}
