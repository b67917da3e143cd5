# A router that forwards UDP and TCP, IPv4 and IPv6, and loses nothing
CAUSE=none TOPOLOGY=router EXAMINE=$R SECONDS=4

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	serve SERVER "$S" tcp-listen 5400
}

traffic() {
	gen "$C" udp-send "$S4" 5300 -n 2000 --rate 4000
	gen "$C" udp-send "$S6" 5300 -n 2000 --rate 4000
	gen "$C" tcp-connect "$S4" 5400 -n 50 --bytes 100000
	gen "$C" tcp-connect "$S6" 5400 -n 50 --bytes 100000
}
