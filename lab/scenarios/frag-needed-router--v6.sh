# The same over IPv6
. "${BASH_SOURCE[0]%/*}/frag-needed-router.sh"
TO=$S6 WITNESS=Ip6FragFails
