# One socket that nobody reads holds all the memory that udp_mem allows; over IPv6
. "${BASH_SOURCE[0]%/*}/udp-mem-limit.sh"
TO=$S6 HOST=1
