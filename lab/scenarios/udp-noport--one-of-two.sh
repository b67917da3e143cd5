# One of two services is down: its port has no listener, the other's is well served
. "${BASH_SOURCE[0]%/*}/udp-noport.sh"

fault() {
	serve OTHER "$S" udp-recv 53 --rcvbuf 4000000
}

traffic() {
	gen "$C" udp-send "$TO" 53 -n 2000 --rate 2000
	gen "$C" udp-send "$TO" 5300 -n 1500 --rate 1500
	echo "lost=$SENT"
}
