# The same over IPv6
. "${BASH_SOURCE[0]%/*}/keepalive-dead-peer.sh"
TO=$S6
