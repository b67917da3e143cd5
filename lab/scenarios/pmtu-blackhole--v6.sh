# The same over IPv6
. "${BASH_SOURCE[0]%/*}/pmtu-blackhole.sh"
TO=$S6
