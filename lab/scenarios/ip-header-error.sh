# IPv4 packets with a wrong header checksum
CAUSE=ip-header-error EXAMINE=$S SECONDS=3 WITNESS=IpInHdrErrors FRAMES=600

# UDP from the client to the server, port 5300; its checksum field holds anything
frame() {
	printf '%s%s0800' "${SMAC//:/}" "${CMAC//:/}"
	printf '4500003000000000401112%sc0000201c0000202' "$1"
	printf '9c4014b4001c0000%040d' 0
}

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
}

traffic() {
	gen "$C" udp-send "$S4" 5300 -n 500 --rate 1000
	[ -n "$FRAMES" ] || return
	gen "$C" raw "$CDEV" "$(frame 34)" -n "$FRAMES" --rate 600
	echo "lost=$SENT"
}

heal() {
	FRAMES=''
}
