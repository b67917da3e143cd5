# Data for connections that another server has, over IPv6
. "${BASH_SOURCE[0]%/*}/rst-unknown-connection.sh"
FROM=$C6 TO=$S6
