# 20,000 connections in TIME_WAIT, to four ports of 64,000 local ones each: room to spare
CAUSE=none EXAMINE=$C SECONDS=3 CLEARED='port-exhaustion tw-many'

fault() {
	in_ns "$C" sysctl -qw net.ipv4.ip_local_port_range='1024 65000' net.ipv4.tcp_max_tw_buckets=65536
	serve ONE "$S" tcp-listen 5400 --backlog 4096
	serve TWO "$S" tcp-listen 5401 --backlog 4096
	serve THREE "$S" tcp-listen 5402 --backlog 4096
	serve FOUR "$S" tcp-listen 5403 --backlog 4096
	gen "$C" tcp-connect "$S4" 5400 -n 20000 --ports 4 --parallel 500 --bytes 1 --time 40
}

traffic() {
	gen "$C" tcp-connect "$S4" 5400 -n 20 --rate 20 --bytes 100
}
