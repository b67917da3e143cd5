# A listener with TCP_DEFER_ACCEPT, and clients that wait for a greeting, over IPv6
. "${BASH_SOURCE[0]%/*}/tcp-defer-accept.sh"
TO=$S6
