# A thousand datagrams a second for a port where nobody listens, over IPv6
. "${BASH_SOURCE[0]%/*}/udp-noport.sh"
TO=$S6 WITNESS=Udp6NoPorts
