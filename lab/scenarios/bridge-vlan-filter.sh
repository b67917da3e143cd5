# The bridge filters VLANs, and the port the frames come in by is in none
CAUSE=bridge-vlan-filter TOPOLOGY=router EXAMINE=$R SECONDS=3 SEVERITY=warning TO=$B4

needs() {
	needs_bridge && ip -n "$R" link add probe type bridge vlan_filtering 1 &&
		ip -n "$R" link del probe && return
	echo "this kernel's bridge does not filter VLANs"
	return 77
}

fault() {
	bridge_between
	await 5 port_is "$RCDEV" forwarding && await 5 port_is "$RSDEV" forwarding
	serve READER "$S" udp-recv 5300
	ip -n "$R" link set br0 type bridge vlan_filtering 1
	bridge -n "$R" vlan del dev "$RCDEV" vid 1
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 1000 --rate 1000
	echo "lost=$((SENT - $(tally "$READER" received)))"
}

heal() {
	bridge -n "$R" vlan add dev "$RCDEV" vid 1 pvid untagged
}
