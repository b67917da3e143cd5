# The same over IPv6
. "${BASH_SOURCE[0]%/*}/out-no-route.sh"
TO=2001:db8:99::9 VIA_S=$S6 WITNESS=Ip6OutNoRoutes
