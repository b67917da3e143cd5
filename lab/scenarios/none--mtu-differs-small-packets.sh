# Ports of a bridge differ in their MTU, and no packet is larger than the smaller one: a note
. "${BASH_SOURCE[0]%/*}/mtu-mismatch.sh"
CAUSE=none SIZE=1000
