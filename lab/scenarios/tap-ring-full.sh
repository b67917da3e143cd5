# Nobody reads the frames of a tap device: its ring fills, and the rest is lost
CAUSE=tap-ring-full TOPOLOGY=lone EXAMINE=$S SECONDS=3 RING=20 TO=192.0.2.9

needs() {
	ip -n "$S" tuntap add probe mode tap && ip -n "$S" tuntap del probe mode tap && return
	echo "this kernel has no tap devices"
	return 77
}

# hold_tap read|keep: a program has tap0 open, and reads it or not; its pid is in $HOLDER
hold_tap() {
	ip netns exec "$S" python3 - "$1" <<-'PYTHON' &
		import fcntl, os, struct, sys, time
		fd = os.open('/dev/net/tun', os.O_RDWR)
		fcntl.ioctl(fd, 0x400454ca, struct.pack('16sH22x', b'tap0', 0x1002))  # TAP, NO_PI
		while sys.argv[1] == 'keep':
		    time.sleep(300)
		while os.read(fd, 65536):
		    pass
	PYTHON
	HOLDER=$!
	await 10 lab_is_up "$S"
	ip -n "$S" neigh replace "$TO" lladdr "$CMAC" dev tap0 nud permanent
}

fault() {
	ip -n "$S" tuntap add tap0 mode tap
	in_ns "$S" sysctl -qw net.ipv6.conf.tap0.disable_ipv6=1
	ip -n "$S" addr add 192.0.2.1/24 dev tap0
	ip -n "$S" link set tap0 txqueuelen "$RING" up
	hold_tap keep
}

traffic() {
	gen "$S" udp-send "$TO" 5300 -n 1000 --rate 1000
	echo "lost=$((SENT - RING))"
}

heal() {
	kill "$HOLDER"
	wait "$HOLDER"
	await 5 eval '! lab_is_up "$S"'
	# Room for all of them: how fast a slow machine lets the reader run is not what is tested.
	ip -n "$S" link set tap0 txqueuelen 1000
	hold_tap read
}
