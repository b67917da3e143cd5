# The same over IPv6
. "${BASH_SOURCE[0]%/*}/conntrack-invalid.sh"
TO=$S6 FROM=$C6
