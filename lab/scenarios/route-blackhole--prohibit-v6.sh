# A prohibit route over IPv6: the sender is told by ICMPv6, and Ip6InNoRoutes moves
. "${BASH_SOURCE[0]%/*}/route-blackhole.sh"
TO=$S6 TYPE=prohibit
