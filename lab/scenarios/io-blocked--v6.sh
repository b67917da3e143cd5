# A reader that sleeps in state D, over IPv6
. "${BASH_SOURCE[0]%/*}/io-blocked.sh"
TO=$S6
