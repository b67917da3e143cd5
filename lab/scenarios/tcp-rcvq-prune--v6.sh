# A receive buffer without room for tiny segments, over IPv6
. "${BASH_SOURCE[0]%/*}/tcp-rcvq-prune.sh"
TO=$S6
