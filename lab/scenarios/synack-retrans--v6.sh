# The same over IPv6
. "${BASH_SOURCE[0]%/*}/synack-retrans.sh"
TO=$S6
