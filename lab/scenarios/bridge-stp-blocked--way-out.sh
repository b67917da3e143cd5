# The port it should leave by is the one that waits
. "${BASH_SOURCE[0]%/*}/bridge-stp-blocked.sh"
LATE=$RSDEV
