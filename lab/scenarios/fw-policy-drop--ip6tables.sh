# ip6tables -P INPUT DROP (the nft variant)
. "${BASH_SOURCE[0]%/*}/fw-policy-drop--iptables.sh"
IPTABLES=ip6tables-nft TO=$S6
