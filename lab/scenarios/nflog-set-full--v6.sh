# The same over IPv6
. "${BASH_SOURCE[0]%/*}/nflog-set-full.sh"
FROM=$C6 TO=$S6
