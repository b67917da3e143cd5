# The same over IPv6
. "${BASH_SOURCE[0]%/*}/send-too-big.sh"
TO=$S6
