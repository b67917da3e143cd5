# The same over IPv6
. "${BASH_SOURCE[0]%/*}/keepalive-vs-lb-idle.sh"
TO=$S6
