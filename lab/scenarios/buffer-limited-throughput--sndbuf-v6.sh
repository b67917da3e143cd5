# The sender's program set a small SO_SNDBUF, over IPv6. Whether that is found full besides, at the
# moments it is looked at, is left open: both are notes
. "${BASH_SOURCE[0]%/*}/buffer-limited-throughput.sh"
CAUSE=none BOTH=buffer-limited-throughput TO=$W6 SAYS=

fault() {
	wire_between --delay 10
	serve SERVER "$S" tcp-listen 5400
	serve CLIENT "$C" tcp-connect "$TO" 5400 -n 1 --bytes 100000000 --sndbuf 16384
}
