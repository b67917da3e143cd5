# All of TCP may have little memory, and readers that do not read use it up. tcp_mem belongs to every
# namespace of the host: only in a virtual machine. That they do not read is told too, where their
# windows have been closed for long enough
CAUSE=tcp-mem-pressure ALSO="tcp-rcvq-prune app-slow-reader" TOPOLOGY=lone EXAMINE=1 HOST=1 SECONDS=5

needs() {
	[ "$KERNEL" != host ] && return
	echo "tcp_mem of this host is everybody's"
	return 77
}

# In the first namespace, the only one that shows tcp_mem
fault() {
	ip link set lo up
	sysctl -qw net.ipv4.tcp_mem="64 96 128"
	listen_here --no-read
}

traffic() {
	"$GEN" tcp-connect 127.0.0.1 5400 -n 40 --bytes 1000000 --parallel 40 --time 3
}

heal() {
	sysctl -qw net.ipv4.tcp_mem="40000 60000 80000"
	stop "$SERVER"
	listen_here
}

listen_here() {
	local fd

	open_fifo fd
	"$GEN" tcp-listen 5400 --time 300 --backlog 128 --ready-fd "$fd" "$@" >>"$LAB_DIR/gen.log" 2>&1 &
	SERVER=$!
	on_exit kill "$SERVER" # it stands in no namespace of the scenario's
	read -r -t 20 -u "$fd" _
}
