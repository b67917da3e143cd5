# The connection is still there when the sample ends: its owner is known, and that it made its buffer
# small itself
. "${BASH_SOURCE[0]%/*}/tcp-rcvq-prune.sh"
OWNER=gen

traffic() {
	inject --seq 10 --step 5 --size 1 -n 400 --hold 5 "$TO" 5400 &
	await 10 has_dropped
}

has_dropped() {
	[ "$(stat_of "$S" TcpExtTCPOFODrop)" -gt 300 ]
}
