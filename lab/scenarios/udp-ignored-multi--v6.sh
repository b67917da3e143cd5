# Multicast over IPv6, to a group that every host has joined
. "${BASH_SOURCE[0]%/*}/udp-ignored-multi.sh"
WITNESS=Udp6IgnoredMulti

traffic() {
	gen "$C" raw "$CDEV" --udp --from "$C6" --to ff02::1 --from-port 5300 --to-port 5300 \
		--dmac 33:33:00:00:00:01 --smac "$CMAC" -n 500 --rate 500
	[ -n "$READER" ] || echo "lost=$SENT"
}
