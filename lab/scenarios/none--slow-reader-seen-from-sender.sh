# The peer's reader is slow but reads: its window opens from time to time
. "${BASH_SOURCE[0]%/*}/none--slow-reader-window-closes.sh"
EXAMINE=$C CLEARED=tcp-zero-window-tx
