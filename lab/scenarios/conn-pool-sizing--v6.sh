# The same over IPv6
. "${BASH_SOURCE[0]%/*}/conn-pool-sizing.sh"
TO=$S6
