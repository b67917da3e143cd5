# One CPU takes in all packets and is full, over IPv6
. "${BASH_SOURCE[0]%/*}/softirq-hog.sh"
HOST=1 TO=$S6
