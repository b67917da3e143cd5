# An anycast address on lo is in no network of a device: nobody asks for it by ARP
CAUSE=none EXAMINE=$S SECONDS=1 CLEARED=lb-dsr-vs-inline

fault() {
	ip -n "$S" addr add 203.0.113.53/32 dev lo
}

traffic() {
	sleep 0.3
}
