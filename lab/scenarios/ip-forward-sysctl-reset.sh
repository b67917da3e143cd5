# A router that forwarded until somebody loaded its sysctl files again
CAUSE=ip-forward-sysctl-reset VIA=not-local-forward-off TOPOLOGY=router EXAMINE=$R SECONDS=3 TO=$S4
KEY=net.ipv4.ip_forward

fault() {
	serve READER "$S" udp-recv 5300
	gen "$C" udp-send "$TO" 5300 -n 50 --rate 500
	tally "$READER" received >/dev/null
	in_ns "$R" sysctl -qw "$KEY=0"
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 1000 --rate 1000
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	in_ns "$R" sysctl -qw "$KEY=1"
}
