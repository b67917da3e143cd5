# The same in generic mode, over IPv6
. "${BASH_SOURCE[0]%/*}/xdp-drop.sh"
TO=$S6 MODE=xdpgeneric
