# A server throws its connections away (SO_LINGER 0) with most of its answers still to go, over IPv6
. "${BASH_SOURCE[0]%/*}/rst-linger0.sh"
TO=$S6
