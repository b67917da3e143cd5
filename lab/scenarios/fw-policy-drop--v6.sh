# An nft input chain with policy drop, over IPv6
. "${BASH_SOURCE[0]%/*}/fw-policy-drop.sh"
TO=$S6
