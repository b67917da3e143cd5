# On the way out, over IPv6
. "${BASH_SOURCE[0]%/*}/tc-egress-drop.sh"
TO=$S6
