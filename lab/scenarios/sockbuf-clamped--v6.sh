# A program asks for a buffer of 4 MB and is given the 16 KB that rmem_max allows; over IPv6
. "${BASH_SOURCE[0]%/*}/sockbuf-clamped.sh"
TO=$S6 WITNESS=Udp6RcvbufErrors HOST=1
