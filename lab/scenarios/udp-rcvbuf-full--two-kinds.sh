# Bursts into two sockets: one has the default buffer, the other's program made its own smaller
CAUSE=udp-rcvbuf-full BOTH=sock-lock-user-opts EXAMINE=$S SECONDS=4

fault() {
	serve READER "$S" udp-recv 5300 --every 0.05
	serve SMALL "$S" udp-recv 5301 --rcvbuf 30000 --every 0.05
}

traffic() {
	gen "$C" udp-send "$S4" 5301 -n 300 --burst 60 --gap 0.3 --size 1000
	gen "$C" udp-send "$S4" 5300 -n 3000 --burst 1000 --gap 0.5 --size 1000
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	stop "$READER" "$SMALL"
	serve READER "$S" udp-recv 5300 --rcvbuf 6000000
	serve SMALL "$S" udp-recv 5301 --rcvbuf 6000000
}
