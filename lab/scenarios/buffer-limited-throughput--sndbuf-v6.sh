# The sender's program set a small SO_SNDBUF, over IPv6
. "${BASH_SOURCE[0]%/*}/buffer-limited-throughput.sh"
CAUSE=sock-lock-user-opts BOTH=buffer-limited-throughput TO=$W6 SAYS=

fault() {
	wire_between --delay 10
	serve SERVER "$S" tcp-listen 5400
	serve CLIENT "$C" tcp-connect "$TO" 5400 -n 1 --bytes 100000000 --sndbuf 16384
}
