# A token bucket with a short queue, over IPv6
. "${BASH_SOURCE[0]%/*}/qdisc-drop.sh"
TO=$S6
