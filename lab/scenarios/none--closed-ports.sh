# 50 datagrams a second for closed ports: what every host on a network sees
CAUSE=none EXAMINE=$S SECONDS=4

traffic() {
	gen "$C" udp-send "$S4" 5300 -n 150 --rate 50 --ports 100
}
