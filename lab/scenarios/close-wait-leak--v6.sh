# The same over IPv6
. "${BASH_SOURCE[0]%/*}/close-wait-leak.sh"
TO=$S6
