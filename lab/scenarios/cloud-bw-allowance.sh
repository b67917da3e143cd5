# The next hop lets 10 Mbit/s pass, as a provider's shaper does; the sender was told so
CAUSE=cloud-bw-allowance TOPOLOGY=router EXAMINE=$C VERDICT=loss-elsewhere SECONDS=5 TO=$S4
STATED="--limit bandwidth@$CDEV=10Mbit"

fault() {
	serve SERVER "$S" tcp-listen 5400
	ip -n "$C" link set "$CDEV" gso_max_segs 1
	in_ns "$R" tc qdisc add dev "$RSDEV" root tbf rate 10mbit burst 16k limit 30k
}

traffic() {
	gen "$C" tcp-connect "$TO" 5400 -n 8 --bytes 500000 --time 4
}

heal() {
	in_ns "$R" tc qdisc del dev "$RSDEV" root
}
