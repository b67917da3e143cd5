# A process reads its UDP socket too slowly, over IPv6
. "${BASH_SOURCE[0]%/*}/app-slow-reader.sh"
TO=$S6 WITNESS=Udp6RcvbufErrors
