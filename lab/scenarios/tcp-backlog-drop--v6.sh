# A full backlog of a locked socket, over IPv6
. "${BASH_SOURCE[0]%/*}/tcp-backlog-drop.sh"
TO=$S6
