# An htb class whose leaf, a pfifo, holds only ten packets: the leaf drops
. "${BASH_SOURCE[0]%/*}/qdisc-drop.sh"
WITNESS=tc.eth0.pfifo.10:

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 2000000
	tc -n "$C" qdisc add dev "$CDEV" root handle 1: htb default 1
	tc -n "$C" class add dev "$CDEV" parent 1: classid 1:1 htb rate 4mbit
	tc -n "$C" qdisc add dev "$CDEV" parent 1:1 handle 10: pfifo limit 10
}
