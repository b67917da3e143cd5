# 93 of 100 local ports to one destination are taken, most by TIME_WAIT, and connections go on
CAUSE=port-exhaustion EXAMINE=$C SECONDS=3 VERDICT=at-risk SEVERITY=warning LOOKS=load TO=$S4

fault() {
	in_ns "$C" sysctl -qw net.ipv4.ip_local_port_range='40000 40099' net.ipv4.tcp_tw_reuse=2
	serve SERVER "$S" tcp-listen 5400 --backlog 4096
}

traffic() {
	gen "$C" tcp-connect "$TO" 5400 -n 93 --rate 100 --bytes 10
}

heal() {
	in_ns "$C" sysctl -qw net.ipv4.ip_local_port_range='32768 60999'
}
