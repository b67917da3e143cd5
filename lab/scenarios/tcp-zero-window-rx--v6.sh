# The same over IPv6
. "${BASH_SOURCE[0]%/*}/tcp-zero-window-rx.sh"
TO=$S6
