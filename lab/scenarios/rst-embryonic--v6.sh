# SYNs whose senders answer the SYN-ACK with a reset, over IPv6
. "${BASH_SOURCE[0]%/*}/rst-embryonic.sh"
FROM=$C6 TO=$S6
