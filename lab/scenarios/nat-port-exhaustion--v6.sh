# The same over IPv6
. "${BASH_SOURCE[0]%/*}/nat-port-exhaustion.sh"
TO=$S6 NAT='[2001:db8:2::fe]' FAMILY=ip6
