# The next hop knows 40 sessions, over IPv6
. "${BASH_SOURCE[0]%/*}/cloud-conntrack-allowance.sh"
TO=$S6
