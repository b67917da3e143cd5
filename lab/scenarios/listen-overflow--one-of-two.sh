# One listener's accept queue is full; another one beside it serves many connections
. "${BASH_SOURCE[0]%/*}/listen-overflow.sh"

fault() {
	serve OTHER "$S" tcp-listen 8080 --backlog 1024
	serve SERVER "$S" tcp-listen 5400 --backlog 2 --no-accept
}

traffic() {
	local before

	gen "$C" tcp-connect "$TO" 8080 -n 500 --rate 2000 --bytes 2000
	before=$(syns_of "$C")
	gen "$C" tcp-connect "$TO" 5400 -n 100 --rate 500 --hold 2 --time 2.5
	echo "lost=$(($(syns_of "$C") - before - RECEIVED))"
}
