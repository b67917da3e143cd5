# A listener that wants a hop limit of 255, over IPv6
. "${BASH_SOURCE[0]%/*}/tcp-minttl.sh"
TO=$S6
