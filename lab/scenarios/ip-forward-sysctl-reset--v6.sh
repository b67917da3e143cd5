# The same over IPv6
. "${BASH_SOURCE[0]%/*}/ip-forward-sysctl-reset.sh"
TO=$S6 KEY=net.ipv6.conf.all.forwarding
