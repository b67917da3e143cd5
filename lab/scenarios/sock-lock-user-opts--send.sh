# A program sets SO_SNDBUF to 8 KB; the default would hold its bursts until the slow link took them
CAUSE=sock-lock-user-opts VIA=udp-sndbuf-full EXAMINE=$C SECONDS=6 WITNESS=UdpSndbufErrors TO=$S4
SNDBUF='--sndbuf 8192'

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	tc -n "$C" qdisc add dev "$CDEV" root handle 1: tbf rate 100kbit burst 3000 limit 1000000
}

traffic() {
	# shellcheck disable=SC2086 # an option and its value, or nothing
	gen "$C" udp-send "$TO" 5300 -n 80 --burst 20 --gap 1.25 --size 1000 --nonblock $SNDBUF
	echo "lost=$FAILED"
}

heal() {
	SNDBUF=''
}
