# Bursts of datagrams larger than the receive buffer, over IPv6
. "${BASH_SOURCE[0]%/*}/udp-rcvbuf-full.sh"
TO=$S6 WITNESS=Udp6RcvbufErrors
