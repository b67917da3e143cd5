# The conntrack table is full, over IPv6
. "${BASH_SOURCE[0]%/*}/conntrack-table-full.sh"
HOST=1 TO=$S6
