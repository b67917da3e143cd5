# The same over IPv6
. "${BASH_SOURCE[0]%/*}/in-no-route.sh"
TO=2001:db8:99::9 VIA_S=2001:db8:2::2 WITNESS=Ip6InNoRoutes
