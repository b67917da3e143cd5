# Datagrams larger than the MTU from a program that forbids to cut them: EMSGSIZE, and no counter
CAUSE=send-too-big EXAMINE=$C SECONDS=3 SEVERITY=warning TO=$S4 SIZE=2000

needs() {
	grep -qw btf_trace_sock_send_length /sys/kernel/btf/vmlinux && return
	echo "this kernel does not tell what becomes of sends"
	return 77
}

fault() {
	serve READER "$S" udp-recv 5300
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 1000 --rate 1000 --size "$SIZE" --mtu-discover 2
	echo "lost=$((1000 - $(tally "$READER" received)))"
}

heal() {
	SIZE=1400
}
