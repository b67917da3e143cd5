# Frames that a bridge sent come in again, and many broadcasts with them: there is a loop
CAUSE=l2-loop-storm TOPOLOGY=router EXAMINE=$R SECONDS=3 SEVERITY=warning VERDICT=at-risk

needs() {
	[ -r /dev/kmsg ] || { echo "/dev/kmsg cannot be read"; return 77; }
	needs_bridge
}

# The log is the host's: no other scenario has a bridge of that name
fault() {
	bridge_between brloop
	ip -n "$R" link set brloop address "$RMAC"
	await 5 port_is "$RCDEV" forwarding && await 5 port_is "$RSDEV" forwarding
	FROM=$RMAC
}

traffic() {
	[ -n "$FROM" ] || return
	gen "$C" raw "$CDEV" --udp --from "$C4" --to 255.255.255.255 --to-port 5300 \
		--dmac ff:ff:ff:ff:ff:ff --smac "$FROM" -n 8000 --rate 4000
}

heal() {
	FROM=''
}
