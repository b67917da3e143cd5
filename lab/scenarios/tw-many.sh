# An idle pile of connections in TIME_WAIT, near its limit: a note, and load
CAUSE=tw-many EXAMINE=$C SECONDS=2 VERDICT=healthy SEVERITY=info LOOKS=load

fault() {
	in_ns "$C" sysctl -qw net.ipv4.tcp_max_tw_buckets=200
	serve SERVER "$S" tcp-listen 5400 --backlog 4096
	gen "$C" tcp-connect "$S4" 5400 -n 160 --rate 400 --bytes 10
}

traffic() {
	sleep 1
}

heal() {
	in_ns "$C" sysctl -qw net.ipv4.tcp_max_tw_buckets=8192
}
