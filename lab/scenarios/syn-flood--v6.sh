# A SYN flood over IPv6
. "${BASH_SOURCE[0]%/*}/syn-flood.sh"
FROM=2001:db8:66::1 TO=$S6
