# A host that may keep but three connections in TIME_WAIT, over IPv6
. "${BASH_SOURCE[0]%/*}/tw-bucket-overflow.sh"
TO=$S6
