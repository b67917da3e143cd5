# The same over IPv6
. "${BASH_SOURCE[0]%/*}/estab-timeout.sh"
TO=$S6
