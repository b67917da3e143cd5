# A program that tries one larger size now and then is told, and means to be
. "${BASH_SOURCE[0]%/*}/send-too-big.sh"
CAUSE=none SEVERITY=info VERDICT=healthy

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 5 --rate 100 --size "$SIZE" --mtu-discover 2
	gen "$C" udp-send "$TO" 5300 -n 1000 --rate 1000 --size 1200 --mtu-discover 2
}
