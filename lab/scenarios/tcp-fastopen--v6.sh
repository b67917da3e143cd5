# A Fast Open queue of 5, and 40 SYNs with data over IPv6
. "${BASH_SOURCE[0]%/*}/tcp-fastopen.sh"
FROM=$C6 TO=$S6
