# A program sets SO_RCVBUF to 8 KB; the default would hold the bursts
CAUSE=sock-lock-user-opts VIA=udp-rcvbuf-full EXAMINE=$S SECONDS=4 WITNESS=UdpRcvbufErrors TO=$S4

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 8192 --every 0.02
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 1200 --size 500 --burst 60 --gap 0.15
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	stop "$READER"
	serve READER "$S" udp-recv 5300 --every 0.02
}
