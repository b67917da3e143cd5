# The process that should read a UDP socket is stopped, over IPv6
. "${BASH_SOURCE[0]%/*}/app-stopped.sh"
TO=$S6 WITNESS=Udp6RcvbufErrors
