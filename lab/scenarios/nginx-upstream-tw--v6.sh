# The same over IPv6
. "${BASH_SOURCE[0]%/*}/nginx-upstream-tw.sh"
BACKEND=$S6 PROXY=$R6
