# Packets of an IP protocol that nothing handles (253, for experiments)
CAUSE=ip-unknown-proto EXAMINE=$S SECONDS=3 SEVERITY=warning WITNESS=IpInUnknownProtos FRAMES=600

frame() {
	printf '%s%s0800' "${SMAC//:/}" "${CMAC//:/}"
	printf '450000280000000040fdf5d5c0000201c0000202%040d' 0
}

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
}

traffic() {
	gen "$C" udp-send "$S4" 5300 -n 500 --rate 1000
	[ -n "$FRAMES" ] || return
	gen "$C" raw "$CDEV" "$(frame)" -n "$FRAMES" --rate 600
	echo "lost=$SENT"
}

heal() {
	FRAMES=''
}
