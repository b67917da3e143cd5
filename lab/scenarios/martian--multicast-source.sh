# Datagrams whose source is a multicast address
. "${BASH_SOURCE[0]%/*}/martian.sh"
FROM=224.0.0.9
