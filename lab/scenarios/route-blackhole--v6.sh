# The same over IPv6
. "${BASH_SOURCE[0]%/*}/route-blackhole.sh"
TO=$S6
