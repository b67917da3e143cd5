# An nft rule drops one UDP port, over IPv6
. "${BASH_SOURCE[0]%/*}/fw-rule-drop.sh"
TO=$S6
