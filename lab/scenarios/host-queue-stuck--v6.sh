# A slow shaper with a long queue, over IPv6
. "${BASH_SOURCE[0]%/*}/host-queue-stuck.sh"
TO=$S6
