# SYN cookies over IPv6
. "${BASH_SOURCE[0]%/*}/synq-cookies.sh"
FROM=2001:db8:66::1 TO=$S6
