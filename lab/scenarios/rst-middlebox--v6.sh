# A firewall forgets idle connections, and answers with a reset when they speak again, over IPv6
. "${BASH_SOURCE[0]%/*}/rst-middlebox.sh"
TO=$S6
