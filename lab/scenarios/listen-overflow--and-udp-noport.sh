# Two faults at once: a full accept queue, and datagrams for a port where nobody listens
. "${BASH_SOURCE[0]%/*}/listen-overflow.sh"
BOTH="listen-overflow udp-noport"

traffic() {
	local before

	gen "$C" udp-send "$TO" 5300 -n 500 --rate 1000
	before=$(syns_of "$C")
	gen "$C" tcp-connect "$TO" 5400 -n 500 --rate 1000 --hold 2 --time 2.5
	echo "lost=$(($(syns_of "$C") - before - RECEIVED))"
}

heal() {
	stop "$SERVER"
	serve SERVER "$S" tcp-listen 5400 --backlog 1024
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
}
