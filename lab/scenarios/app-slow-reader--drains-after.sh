# A reader at a tenth of the rate that comes; when the traffic ends its queue is soon empty
. "${BASH_SOURCE[0]%/*}/app-slow-reader.sh"

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 65536 --slow 100000
}

traffic() {
	local before

	before=$(skmem "$S" 5300 d)
	gen "$C" udp-send "$TO" 5300 -n 30000 --size 100 --rate 10000
	echo "lost=$(($(skmem "$S" 5300 d) - before))"
}
