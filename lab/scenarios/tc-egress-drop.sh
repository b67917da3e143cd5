# The same on the way out: the program sees no error, and it is no full queue or send buffer
. "${BASH_SOURCE[0]%/*}/tc-ingress-drop.sh"
CAUSE=tc-egress-drop EXAMINE=$C HOOK=egress AT=$C DEV=$CDEV
