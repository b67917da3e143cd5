# ip6tables -j DROP (the nft variant) for one port
. "${BASH_SOURCE[0]%/*}/fw-rule-drop--iptables.sh"
IPTABLES=ip6tables-nft TO=$S6
