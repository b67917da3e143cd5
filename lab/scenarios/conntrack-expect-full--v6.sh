# The same over IPv6
HOST=1
. "${BASH_SOURCE[0]%/*}/conntrack-expect-full.sh"
TO=$S6
