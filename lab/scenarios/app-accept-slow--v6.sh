# A server that accepts slowly, over IPv6
. "${BASH_SOURCE[0]%/*}/app-accept-slow.sh"
TO=$S6
