# The same over IPv6
. "${BASH_SOURCE[0]%/*}/frag-reasm-timeout.sh"
TO=$S6 WITNESS=Ip6ReasmTimeout LATER="frag frag-off > 0"
