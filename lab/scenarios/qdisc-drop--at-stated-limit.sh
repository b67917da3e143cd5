# A shaper of this host's own drops, at the very rate that was stated as the provider's
. "${BASH_SOURCE[0]%/*}/qdisc-drop--tcp.sh"
STATED="--limit bandwidth@$CDEV=30Mbit"
