# The same over IPv6
. "${BASH_SOURCE[0]%/*}/bridge-stp-blocked.sh"
TO=$B6
