# Broadcasts of a VLAN that no device here has: a trunk port lets through more than is used
CAUSE=vlan-unknown EXAMINE=$S SECONDS=3 SEVERITY=info FRAMES=600

# 802.1Q tag of VLAN 123, IPv4, UDP from the client to 255.255.255.255 port 5300, no checksum
frame() {
	local payload

	payload=$(printf '%040d' 0)
	printf 'ffffffffffff%s8100007b0800' "${CMAC//:/}"
	printf '4500003000000000401178ccc0000201ffffffff'
	printf '9c4014b4001c0000%s' "$payload"
}

traffic() {
	[ -n "$FRAMES" ] || return
	gen "$C" raw "$CDEV" "$(frame)" -n "$FRAMES" --rate 600
	echo "lost=$SENT"
}

heal() {
	FRAMES=''
}
