# The same over IPv6
HOST=1
. "${BASH_SOURCE[0]%/*}/conntrack-long-chains.sh"
TO=$S6 FROM=2001:db8:55::1
