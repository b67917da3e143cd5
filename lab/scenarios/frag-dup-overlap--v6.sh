# The same over IPv6, which has no counter of overlaps
. "${BASH_SOURCE[0]%/*}/frag-dup-overlap.sh"
FROM=$C6 TO=$S6
