# As many connections as there are ports, but to two destinations: each has ports enough
. "${BASH_SOURCE[0]%/*}/port-exhaustion.sh"
CAUSE=none VERDICT='' SEVERITY='' LOOKS=''

traffic() {
	gen "$C" tcp-connect "$S4" 5400 -n 50 --rate 100 --bytes 10
	gen "$C" tcp-connect "$S6" 5400 -n 50 --rate 100 --bytes 10
}
