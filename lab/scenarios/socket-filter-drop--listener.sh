# A filter on a listener: SYNs get no answer, and no counter tells of it
. "${BASH_SOURCE[0]%/*}/socket-filter-drop.sh"
KIND=SOCK_STREAM

# Every SYN that made no connection was dropped, the repeated ones too
traffic() {
	local before

	before=$(syns_of "$C")
	gen "$C" tcp-connect "$TO" 5300 -n 30 --rate 100 --time 1.8
	echo "lost=$(($(syns_of "$C") - before - RECEIVED))"
}
