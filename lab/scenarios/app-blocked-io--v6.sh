# A reader that sleeps in state D, over IPv6
. "${BASH_SOURCE[0]%/*}/app-blocked-io.sh"
TO=$S6
