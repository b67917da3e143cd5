# The same over IPv6
. "${BASH_SOURCE[0]%/*}/link-flap.sh"
TO=$S6
