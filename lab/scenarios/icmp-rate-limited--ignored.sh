# Pings are not answered at all: icmp_echo_ignore_all
. "${BASH_SOURCE[0]%/*}/icmp-rate-limited.sh"
KEY=net.ipv4.icmp_echo_ignore_all MASK=1 DEFAULT=0
