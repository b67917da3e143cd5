# The same ports over IPv6
. "${BASH_SOURCE[0]%/*}/port-exhaustion.sh"
TO=$S6
