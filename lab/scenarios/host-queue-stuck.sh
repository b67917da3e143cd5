# A slow shaper with a long queue: SYNs wait in it behind datagrams until TCP's timer runs out
CAUSE=host-queue-stuck EXAMINE=$C SECONDS=5 SEVERITY=info TO=$S4

fault() {
	serve SERVER "$S" tcp-listen 5400 --backlog 128
	serve READER "$S" udp-recv 5300 --rcvbuf 1000000
	in_ns "$C" tc qdisc add dev "$CDEV" root tbf rate 200kbit burst 2000 limit 1000000
}

# 60 KB: more than two seconds at that rate
traffic() {
	gen "$C" udp-send "$TO" 5300 -n 60 --size 1000
	gen "$C" tcp-connect "$TO" 5400 -n 10 --rate 100 --parallel 10 --time 4
}

heal() {
	in_ns "$C" tc qdisc del dev "$CDEV" root
}
