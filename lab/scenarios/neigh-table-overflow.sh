# The ARP table holds 64 entries, and datagrams go to 300 hosts of the link
CAUSE=neigh-table-overflow HOST=1 EXAMINE=$C SECONDS=4 TO=10.9. THRESH=/proc/sys/net/ipv4/neigh/default

needs() {
	[ -w $THRESH/gc_thresh3 ] && return
	echo "the limits of the neighbour table cannot be set here"
	return 77
}

limits() { # limits ONE TWO THREE
	echo "$3" >$THRESH/gc_thresh3
	echo "$2" >$THRESH/gc_thresh2
	echo "$1" >$THRESH/gc_thresh1
}

# The server answers for all of the network without having its addresses
hosts() {
	ip -n "$S" route add local 10.9.0.0/16 dev lo
	ip -n "$C" route add 10.9.0.0/16 dev "$CDEV"
}

fault() {
	SAVED="$(cat $THRESH/gc_thresh1) $(cat $THRESH/gc_thresh2) $(cat $THRESH/gc_thresh3)"
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	hosts
	limits 16 32 64
}

traffic() {
	in_ns "$C" python3 - "$TO" <<-'PYTHON'
		import socket, sys, time
		six, failed = ":" in sys.argv[1], {}
		s = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
		for i in range(300):
		    try:
		        s.sendto(b"x" * 100, (sys.argv[1] + str(i // 100 + 1) * (not six) + "." * (not six) +
		                              str(i % 100 + 1 if not six else i + 1), 5300))
		    except OSError as error:
		        failed[error.strerror] = failed.get(error.strerror, 0) + 1
		    time.sleep(0.004)
		print("errors:", failed)
	PYTHON
	echo "lost=$((300 - $(tally "$READER" received)))"
}

heal() {
	# shellcheck disable=SC2086
	limits $SAVED
}
