# Datagrams from ::1 come in from the network, over IPv6
. "${BASH_SOURCE[0]%/*}/martian.sh"
FROM=::1 TO=$S6
