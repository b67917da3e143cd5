# An IPv6 address that another host has: the kernel asked, and does not use it
CAUSE=duplicate-ip SEVERITY=warning VERDICT=at-risk EXAMINE=$C SECONDS=2

is_refused() { ip -n "$C" -6 addr show dev "$CDEV" dadfailed | grep -q inet6; }

fault() {
	in_ns "$C" sysctl -qw "net.ipv6.conf.$CDEV.accept_dad=1" "net.ipv6.conf.$CDEV.dad_transmits=1"
	ip -n "$C" addr add "$S6/64" dev "$CDEV"
	await 5 is_refused
}

traffic() { sleep 0.5; }

heal() {
	ip -n "$C" addr del "$S6/64" dev "$CDEV"
}
