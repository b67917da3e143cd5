# The remedy of cloud-bw-allowance: shaped by its own host to below the limit, nothing is lost
CAUSE=none TOPOLOGY=router EXAMINE=$C SECONDS=5 TO=$S4
STATED="--limit bandwidth@$CDEV=40Mbit"

fault() {
	serve SERVER "$S" tcp-listen 5400
	ip -n "$C" link set "$CDEV" gso_max_segs 1
	in_ns "$R" tc qdisc add dev "$RSDEV" root tbf rate 40mbit burst 60k limit 30k
	in_ns "$C" tc qdisc add dev "$CDEV" root tbf rate 38000kbit burst 47500 latency 400ms
}

traffic() {
	gen "$C" tcp-connect "$TO" 5400 -n 8 --bytes 2000000 --time 4
}
