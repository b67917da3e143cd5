# Thousands of short TCP connections, examined where they begin and end in TIME_WAIT
. "${BASH_SOURCE[0]%/*}/none--short-connections.sh"
EXAMINE=$C
