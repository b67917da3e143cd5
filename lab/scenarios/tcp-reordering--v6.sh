# The same over IPv6
. "${BASH_SOURCE[0]%/*}/tcp-reordering.sh"
TO=$W6
