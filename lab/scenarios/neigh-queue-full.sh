# A neighbour answers after a moment, and the first burst to it does not fit the queue
. "${BASH_SOURCE[0]%/*}/none--neighbour-answers-late.sh"
CAUSE=neigh-queue-full SEVERITY=warning QLEN=8192

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	in_ns "$S" sysctl -qw net.ipv4.conf.all.arp_ignore=8
	ip -n "$S" addr add "$SLOW"/24 dev "$SDEV"
	in_ns "$R" sysctl -qw "net.ipv4.neigh.$RSDEV.unres_qlen_bytes=$QLEN"
}

traffic() {
	gen "$C" udp-send "$SLOW" 5300 -n 50 --rate 70
	in_ns "$S" sysctl -qw net.ipv4.conf.all.arp_ignore=0
	await 3 is_answered
	echo "lost=$((50 - $(tally "$READER" received)))"
}

heal() {
	in_ns "$R" sysctl -qw "net.ipv4.neigh.$RSDEV.unres_qlen_bytes=212992"
	ip -n "$R" neigh del "$SLOW" dev "$RSDEV"
	in_ns "$S" sysctl -qw net.ipv4.conf.all.arp_ignore=8
}
