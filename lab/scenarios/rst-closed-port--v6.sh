# Clients of a service that was never started, over IPv6
. "${BASH_SOURCE[0]%/*}/rst-closed-port.sh"
TO=$S6
