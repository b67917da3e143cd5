# Datagrams of 4,000 bytes over a link of 1,500: each is three packets
CAUSE=udp-large-datagram SEVERITY=info VERDICT=healthy EXAMINE=$S SECONDS=4 TO=$S4 SIZE=4000

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 300 --size "$SIZE" --rate 200
	tally "$READER" received
}

heal() {
	SIZE=1400
}
