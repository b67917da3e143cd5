# The same over IPv6, where the host has no route for them either
. "${BASH_SOURCE[0]%/*}/not-local-forward-off.sh"
FROM=$C6 TO=2001:db8:99::9 WITNESS=Ip6InNoRoutes
