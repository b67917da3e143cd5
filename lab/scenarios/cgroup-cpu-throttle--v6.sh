# A CPU quota stops the reader of a UDP socket, over IPv6
. "${BASH_SOURCE[0]%/*}/cgroup-cpu-throttle.sh"
TO=$S6 WITNESS=Udp6RcvbufErrors
