# Datagrams come to this port with another host's MAC address: the sender's ARP entry is wrong
CAUSE=otherhost-mac EXAMINE=$S SECONDS=3 SEVERITY=warning TO=$S4

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	ip -n "$C" neigh replace "$TO" lladdr 02:00:00:00:02:99 dev "$CDEV" nud permanent
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 1000 --rate 1000
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	ip -n "$C" neigh replace "$TO" lladdr "$SMAC" dev "$CDEV" nud permanent
}
