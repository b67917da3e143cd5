# The next hop lets 10 Mbit/s pass, over IPv6; the limit was stated for the whole instance
. "${BASH_SOURCE[0]%/*}/cloud-bw-allowance.sh"
TO=$S6 STATED="--limit bandwidth-tx=10Mbit"
