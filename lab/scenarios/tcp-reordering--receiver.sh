# The same seen by the receiver, who cannot tell overtaken segments from those that were sent again
. "${BASH_SOURCE[0]%/*}/tcp-reordering.sh"
EXAMINE=$S
