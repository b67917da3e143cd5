# The same over IPv6
. "${BASH_SOURCE[0]%/*}/veth-mtu-or-down.sh"
TO=$S6
