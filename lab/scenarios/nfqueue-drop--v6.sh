# The same over IPv6, by the nft variant of ip6tables
. "${BASH_SOURCE[0]%/*}/nfqueue-drop.sh"
TO=$S6 IPTABLES=ip6tables-nft
