# Pause frames come up to the bridge: no network card takes them in
CAUSE=pause-frame-at-bridge TOPOLOGY=router EXAMINE=$R SECONDS=3 SEVERITY=info FRAMES=600

needs() {
	needs_bridge
}

# To 01:80:c2:00:00:01, MAC control (0x8808), opcode 1: pause, for as long as can be
frame() {
	printf '0180c2000001%s88080001ffff%084d' "${CMAC//:/}" 0
}

fault() {
	bridge_between
	await 5 port_is "$RCDEV" forwarding
}

traffic() {
	[ -n "$FRAMES" ] || return
	gen "$C" raw "$CDEV" "$(frame)" -n "$FRAMES" --rate 600
	echo "lost=$SENT"
}

heal() {
	FRAMES=''
}
