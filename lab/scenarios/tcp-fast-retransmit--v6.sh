# The router loses 3 % of a bulk transfer, over IPv6
. "${BASH_SOURCE[0]%/*}/tcp-fast-retransmit.sh"
TO=$S6
