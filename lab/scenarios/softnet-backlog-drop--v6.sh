# A queue in front of the stack shorter than a burst, over IPv6
. "${BASH_SOURCE[0]%/*}/softnet-backlog-drop.sh"
HOST=1 TO=$S6
