# A router's forward chain drops one UDP port, over IPv6
. "${BASH_SOURCE[0]%/*}/fw-forward-drop.sh"
TO=$S6
