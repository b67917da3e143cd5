# The same over IPv6
. "${BASH_SOURCE[0]%/*}/bridge-filter.sh"
TO=$B6
