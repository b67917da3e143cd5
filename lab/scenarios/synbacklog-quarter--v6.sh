# The last quarter of tcp_max_syn_backlog, which IPv6 shares, over IPv6
. "${BASH_SOURCE[0]%/*}/synbacklog-quarter.sh"
FROM=2001:db8:66::1 TO=$S6
