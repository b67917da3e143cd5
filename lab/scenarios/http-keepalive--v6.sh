# The same over IPv6
. "${BASH_SOURCE[0]%/*}/http-keepalive.sh"
TO=$S6
