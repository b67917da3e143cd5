# Datagrams of 4,000 bytes over a link of 1,500, seen at the sender, over IPv6
. "${BASH_SOURCE[0]%/*}/udp-large-datagram.sh"
TO=$S6 EXAMINE=$C
