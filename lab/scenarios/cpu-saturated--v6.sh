# A reader that gets no CPU, over IPv6
. "${BASH_SOURCE[0]%/*}/cpu-saturated.sh"
HOST=1 TO=$S6
