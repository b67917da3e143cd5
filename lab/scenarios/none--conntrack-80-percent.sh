# The conntrack table is 80 % full: worth a note, no warning
CAUSE=none HOST=1 EXAMINE=$S
. "${BASH_SOURCE[0]%/*}/none--conntrack-60-percent.sh"

traffic() {
	gen "$C" udp-send "$S4" 5300 -n 800 --sockets 800 --rate 800
}
