# Fragments arrive twice: the copies are thrown away and no datagram is missing
. "${BASH_SOURCE[0]%/*}/frag-dup-overlap.sh"
CAUSE=none WRONG=--again SEVERITY=info VERDICT=healthy
