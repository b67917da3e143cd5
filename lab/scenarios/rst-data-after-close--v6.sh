# Clients use connections again that the server has closed, over IPv6
. "${BASH_SOURCE[0]%/*}/rst-data-after-close.sh"
TO=$S6
