# A raw socket whose program does not read, over IPv6
. "${BASH_SOURCE[0]%/*}/raw-socket-drop.sh"
FAMILY=AF_INET6 TO=$S6
