# UDP headers that say more than the packet holds, or less than a header; over IPv6
. "${BASH_SOURCE[0]%/*}/udp-length.sh"
FROM=$C6 TO=$S6 WITNESS=Udp6InErrors
