# A filter on a UDP socket that lets nothing in, over IPv6
. "${BASH_SOURCE[0]%/*}/socket-filter-drop.sh"
TO=$S6
