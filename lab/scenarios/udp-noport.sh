# A thousand datagrams a second for a port where nobody listens
CAUSE=udp-noport EXAMINE=$S SECONDS=3 WITNESS=UdpNoPorts TO=$S4

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 2000 --rate 1000
	echo "lost=$SENT"
}

heal() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
}
