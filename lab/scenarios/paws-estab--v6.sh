# Old timestamps inside a connection, over IPv6
. "${BASH_SOURCE[0]%/*}/paws-estab.sh"
TO=$S6
