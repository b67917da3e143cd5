# Many datagrams for a port where nobody listens (more than 100 a second)
CAUSE=udp-noport EXAMINE=$S SECONDS=3 WITNESS=UdpNoPorts

fault() { :; }

traffic() {
	gen "$C" udp-send "$S4" 5300 -n 2000 --rate 1000
	echo "lost=$SENT"
}

heal() {
	serve READER "$S" udp-recv 5300
}
