# Another host sends with this host's own address
. "${BASH_SOURCE[0]%/*}/martian.sh"
FROM=$S4

# An address of this host is known as such by the drop reason alone
needs() {
	grep -qw IP_LOCAL_SOURCE /sys/kernel/tracing/events/skb/kfree_skb/format && return
	echo "this kernel gives the drop no reason of its own"
	return 77
}
