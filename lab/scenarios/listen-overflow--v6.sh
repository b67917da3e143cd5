# A listener that does not accept, over IPv6
. "${BASH_SOURCE[0]%/*}/listen-overflow.sh"
TO=$S6
