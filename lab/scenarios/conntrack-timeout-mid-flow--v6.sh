# The same over IPv6
. "${BASH_SOURCE[0]%/*}/conntrack-timeout-mid-flow.sh"
TO=$S6
