# The same over IPv6: a wrong neighbour entry at the sender
. "${BASH_SOURCE[0]%/*}/otherhost-mac.sh"
TO=$S6
