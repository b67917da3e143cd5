# An XDP program fails (XDP_ABORTED) on one UDP port: nobody decided to drop those packets
. "${BASH_SOURCE[0]%/*}/xdp-drop.sh"
CAUSE=xdp-aborted ACTION=0
