# Two faults at once: a shaper with a short queue, and a neighbour on a second device that does not
# exist
. "${BASH_SOURCE[0]%/*}/qdisc-drop.sh"
BOTH="qdisc-drop neigh-unresolved" DEAD=198.51.100.99

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 2000000
	tc -n "$C" qdisc add dev "$CDEV" root handle 1: tbf rate 4mbit burst 5000 limit 20000
	ip link add second netns "$C" type veth peer name second netns "$S"
	ip -n "$S" link set second up
	ip -n "$C" link set second up
	ip -n "$C" addr add 198.51.100.1/24 dev second
	await 5 lab_is_up "$C"
}

traffic() {
	gen "$C" udp-send "$DEAD" 5300 -n 200 --rate 400
	gen "$C" udp-send "$TO" 5300 -n 2000 --rate 1000 --size 1000
	echo "lost=$((SENT - $(tally "$READER" received)))"
	await 4 neigh_is_decided "$EXAMINE" "$DEAD"
}

heal() {
	tc -n "$C" qdisc del dev "$CDEV" root
	ip -n "$C" neigh replace "$DEAD" lladdr 02:00:00:00:03:03 dev second nud permanent
}
