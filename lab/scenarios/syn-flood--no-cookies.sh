# The same flood with cookies off: the SYN queue is full, and the flood is why
. "${BASH_SOURCE[0]%/*}/synq-full-drop.sh"
CAUSE=syn-flood VIA=synq-full-drop LOOKS=attack SEVERITY=critical
