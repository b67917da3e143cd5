# A shaper on a device whose txqueuelen is 2: its hidden leaf holds no burst
CAUSE=txqueuelen-small VIA=qdisc-drop EXAMINE=$C SECONDS=4 WITNESS=tc.eth0.htb.1: TO=$S4

shape() { # shape LENGTH
	ip -n "$C" link set "$CDEV" txqueuelen "$1"
	tc -n "$C" qdisc add dev "$CDEV" root handle 1: htb default 1
	tc -n "$C" class add dev "$CDEV" parent 1: classid 1:1 htb rate 8mbit burst 3000 cburst 3000
}

fault() {
	serve READER "$S" udp-recv 5300
	shape 2
}

# 20 at a time, and far less than the rate in all
traffic() {
	gen "$C" udp-send "$TO" 5300 -n 200 --size 1000 --burst 20 --gap 0.2
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	tc -n "$C" qdisc del dev "$CDEV" root
	shape 1000
}
