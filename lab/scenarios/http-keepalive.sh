# The other end of conn-pool-sizing: a server whose clients connect for each request
. "${BASH_SOURCE[0]%/*}/conn-pool-sizing.sh"
CAUSE=http-keepalive EXAMINE=$S SAYS='the clients close first'

fault() {
	in_ns "$C" sysctl -qw net.ipv4.ip_local_port_range='40000 45999'
	in_ns "$S" sysctl -qw net.ipv4.ip_local_port_range='40000 45999'
	serve SERVER "$S" tcp-listen 5400 --backlog 256
}
