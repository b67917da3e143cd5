# The same over IPv6
. "${BASH_SOURCE[0]%/*}/icmp-rate-limited.sh"
TO=$S6 KEY=net.ipv6.icmp.ratemask MASK=0-1,3-127,129
DEFAULT=0-1,3-127
