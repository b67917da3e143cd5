# The same over IPv6
. "${BASH_SOURCE[0]%/*}/mtu-mismatch.sh"
TO=$B6
