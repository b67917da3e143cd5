# The router swallows all data of established connections, over IPv6
. "${BASH_SOURCE[0]%/*}/tcp-rto.sh"
TO=$S6
