# The same with IPv6
. "${BASH_SOURCE[0]%/*}/cgroup-bpf-drop.sh"
TO=$S6 WITNESS=Ip6OutDiscards
