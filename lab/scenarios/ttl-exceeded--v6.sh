# The same over IPv6: the hop limit
. "${BASH_SOURCE[0]%/*}/ttl-exceeded.sh"
TO=$S6 WITNESS=Ip6InHdrErrors KEY=net.ipv6.conf.$CDEV.hop_limit
