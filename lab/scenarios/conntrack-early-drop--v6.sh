# The same over IPv6
HOST=1
. "${BASH_SOURCE[0]%/*}/conntrack-early-drop.sh"
TO=$S6
