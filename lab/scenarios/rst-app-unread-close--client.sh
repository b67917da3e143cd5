# The same, seen from the clients: nobody here has done it
. "${BASH_SOURCE[0]%/*}/rst-app-unread-close.sh"
CAUSE=none EXAMINE=$C WITNESS=TcpEstabResets SEVERITY=
