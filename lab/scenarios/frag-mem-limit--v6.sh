# The same over IPv6
. "${BASH_SOURCE[0]%/*}/frag-mem-limit.sh"
FROM=$C6 TO=$S6 KEY=net.ipv6.ip6frag WITNESS=Ip6ReasmFails
