# The same over IPv6
. "${BASH_SOURCE[0]%/*}/tcp-spurious-retrans.sh"
TO=$W6

heal() {
	traffic() { gen "$C" tcp-connect "$S6" 5400 -n 1 --bytes 3000000; }
}
