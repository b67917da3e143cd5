# The same over IPv6
. "${BASH_SOURCE[0]%/*}/tcp-zero-window-tx.sh"
TO=$S6
