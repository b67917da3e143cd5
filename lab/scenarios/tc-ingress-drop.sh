# A BPF classifier at the device's ingress drops one UDP port: no counter of IP moves
CAUSE=tc-ingress-drop EXAMINE=$S SECONDS=3 SEVERITY=warning TO=$S4 HOOK=ingress AT=$S DEV=$SDEV

# "udp dport 5301" behind an Ethernet and an IP header of $1 bytes, then TC_ACT_SHOT; else go on
program() {
	echo "4,40 0 0 $((14 + $1 + 2)),21 0 1 5301,6 0 0 2,6 0 0 4294967295"
}

header() {
	[[ $TO = *:* ]] && echo 40 || echo 20
}

needs() {
	in_ns "$AT" tc qdisc add dev "$DEV" clsact &&
		in_ns "$AT" tc filter add dev "$DEV" "$HOOK" bpf bytecode '1,6 0 0 4294967295,' da &&
		in_ns "$AT" tc qdisc del dev "$DEV" clsact && return
	echo "this kernel has no clsact or no BPF classifier"
	return 77
}

fault() {
	serve READER "$S" udp-recv 5301 --rcvbuf 4000000
	serve OTHER "$S" udp-recv 5300 --rcvbuf 4000000
	in_ns "$AT" tc qdisc add dev "$DEV" clsact
	in_ns "$AT" tc filter add dev "$DEV" "$HOOK" bpf bytecode "$(program "$(header)")" da
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 500 --rate 1000
	gen "$C" udp-send "$TO" 5301 -n 1000 --rate 1000
	echo "lost=$((1000 - $(tally "$READER" received)))"
}

heal() {
	in_ns "$AT" tc qdisc del dev "$DEV" clsact
}
