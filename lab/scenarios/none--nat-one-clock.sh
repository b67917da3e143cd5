# Clients behind one NAT address whose clocks agree, and a server that closes first: each is served
. "${BASH_SOURCE[0]%/*}/paws-timewait.sh"
CAUSE=none CLEARED="paws-timewait"
eval "timewait_$(declare -f fault)"

fault() {
	in_ns "$C" sysctl -qw net.ipv4.tcp_timestamps=2
	timewait_fault
}
