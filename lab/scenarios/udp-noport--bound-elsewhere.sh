# The service listens on the loopback address only, datagrams come for another one
. "${BASH_SOURCE[0]%/*}/udp-noport.sh"

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000 --bind 127.0.0.1
}

heal() {
	stop "$READER"
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
}
