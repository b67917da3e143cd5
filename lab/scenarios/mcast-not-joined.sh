# Multicast for a group nobody here has joined: noted, and no loss
CAUSE=mcast-not-joined EXAMINE=$S SECONDS=3 SEVERITY=info VERDICT=healthy
FROM=$C4 TO=239.1.2.3 DMAC=01:00:5e:01:02:03 FRAMES=600

traffic() {
	[ -n "$FRAMES" ] || return
	gen "$C" raw "$CDEV" --udp --from "$FROM" --to "$TO" --to-port 5300 --dmac "$DMAC" \
		--smac "$CMAC" -n "$FRAMES" --rate 600
	echo "lost=$SENT"
}

heal() {
	FRAMES=''
}
