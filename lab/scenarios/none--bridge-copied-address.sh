# A virtual machine has the bridge's own address: some frames, no storm
. "${BASH_SOURCE[0]%/*}/l2-loop-storm.sh"
CAUSE=none SEVERITY='' VERDICT=''

fault() {
	bridge_between brcopy
	ip -n "$R" link set brcopy address "$RMAC"
	await 5 port_is "$RCDEV" forwarding && await 5 port_is "$RSDEV" forwarding
}

traffic() {
	gen "$C" raw "$CDEV" --udp --from "$C4" --to 255.255.255.255 --to-port 5300 \
		--dmac ff:ff:ff:ff:ff:ff --smac "$RMAC" -n 60 --rate 30
}
