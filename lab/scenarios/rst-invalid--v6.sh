# Resets and SYNs that do not fit their connection, over IPv6
. "${BASH_SOURCE[0]%/*}/rst-invalid.sh"
TO=$S6
