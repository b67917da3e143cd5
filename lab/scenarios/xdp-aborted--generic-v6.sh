# The same with IPv6, where the program runs outside of the driver (generic XDP)
. "${BASH_SOURCE[0]%/*}/xdp-drop.sh"
CAUSE=xdp-aborted ACTION=0 TO=$S6 MODE=xdpgeneric
