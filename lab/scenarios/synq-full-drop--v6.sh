# A SYN queue full without SYN cookies, over IPv6
. "${BASH_SOURCE[0]%/*}/synq-full-drop.sh"
FROM=2001:db8:66::1 TO=$S6
