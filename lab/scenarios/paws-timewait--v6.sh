# Clients behind one NAT address of IPv6, some served and some ignored
. "${BASH_SOURCE[0]%/*}/paws-timewait.sh"
TO=$S6 CLIENTS="2001:db8:1::11 2001:db8:1::12 2001:db8:1::13 2001:db8:1::14 2001:db8:1::15"
