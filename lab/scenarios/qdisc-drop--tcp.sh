# A short queue before a slow link: TCP loses segments in its own host and sends them again
CAUSE=qdisc-drop EXAMINE=$C SECONDS=5 WITNESS=tc.eth0.tbf.1:

fault() {
	serve SERVER "$S" tcp-listen 5400
	ip -n "$C" link set "$CDEV" gso_max_segs 1 # so that a packet is a segment
	tc -n "$C" qdisc add dev "$CDEV" root handle 1: tbf rate 30mbit burst 5000 limit 8000
}

traffic() {
	local out in

	out=$(stat_of "$C" IpOutRequests) in=$(stat_of "$S" IpInReceives)
	gen "$C" tcp-connect "$S4" 5400 -n 8 --bytes 1000000 --time 4
	out=$(($(stat_of "$C" IpOutRequests) - out)) in=$(($(stat_of "$S" IpInReceives) - in))
	echo "lost=$((out - in))"
}

heal() {
	tc -n "$C" qdisc del dev "$CDEV" root
}
