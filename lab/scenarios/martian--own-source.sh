# Another host sends with this host's own address
. "${BASH_SOURCE[0]%/*}/martian.sh"
FROM=$S4
