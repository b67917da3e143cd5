# The same over IPv6
. "${BASH_SOURCE[0]%/*}/syn-timeout.sh"
TO=$S6
