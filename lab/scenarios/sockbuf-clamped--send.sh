# A program asks for a send buffer of 400 KB and is given the 8 KB that wmem_max allows
. "${BASH_SOURCE[0]%/*}/sock-lock-user-opts--send.sh"
CAUSE=sockbuf-clamped HOST=1 SNDBUF='--sndbuf 400000'

fault() {
	sysctl -qw net.core.wmem_max=8192
	serve READER "$S" udp-recv 5300
	tc -n "$C" qdisc add dev "$CDEV" root handle 1: tbf rate 100kbit burst 3000 limit 1000000
}

heal() {
	sysctl -qw net.core.wmem_max=400000
}
