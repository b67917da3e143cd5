# The same over IPv6
. "${BASH_SOURCE[0]%/*}/mcast-not-joined.sh"
FROM=$C6 TO=ff0e::77 DMAC=33:33:00:00:00:77
