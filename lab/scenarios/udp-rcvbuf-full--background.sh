# One socket's buffer is too small for its bursts; a second one beside it loses nothing
. "${BASH_SOURCE[0]%/*}/udp-rcvbuf-full.sh"

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 8192 --every 0.02
	serve OTHER "$S" udp-recv 53 --rcvbuf 2000000
	serve SERVER "$S" tcp-listen 5400
}

traffic() {
	gen "$C" udp-send "$TO" 53 -n 1000 --rate 2000
	gen "$C" tcp-connect "$TO" 5400 -n 100 --bytes 10000
	gen "$C" udp-send "$TO" 5300 -n 3000 --size 500 --burst 300 --gap 0.1
	echo "lost=$((SENT - $(tally "$READER" received)))"
}
