# A prohibit route over IPv6: the sender is told by ICMPv6, and Ip6InNoRoutes moves
. "${BASH_SOURCE[0]%/*}/route-blackhole.sh"
TO=$S6 TYPE=prohibit

needs() {
	case $(uname -r) in
	6.1.* | 6.12.*) ;;
	*) return 0 ;;
	esac
	echo "this kernel drops it where it drops what has no route (ip6_pkt_drop)"
	return 77
}
