# The same over IPv6
. "${BASH_SOURCE[0]%/*}/tc-ingress-drop.sh"
TO=$S6
