# A server that has no descriptor left, over IPv6
. "${BASH_SOURCE[0]%/*}/fd-exhaustion.sh"
TO=$S6
