# Short datagrams with a wrong checksum, over IPv6
. "${BASH_SOURCE[0]%/*}/udp-csum.sh"
FROM=$C6 TO=$S6 WITNESS=Udp6InCsumErrors
