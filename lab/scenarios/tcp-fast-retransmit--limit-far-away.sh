# The network loses 3 % at a rate far below the limit that was stated
. "${BASH_SOURCE[0]%/*}/tcp-fast-retransmit.sh"
STATED="--limit bandwidth@$CDEV=100Gbit --limit packets@$CDEV=100Mpps --limit connections=1M"
