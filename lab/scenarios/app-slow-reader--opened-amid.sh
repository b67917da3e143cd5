# The socket is opened while the sample runs, and its program does not read
. "${BASH_SOURCE[0]%/*}/app-slow-reader.sh"

fault() {
	:
}

traffic() {
	local before

	[ -n "$READER" ] || serve READER "$S" udp-recv 5300 --rcvbuf 20000 --no-read
	before=$(skmem "$S" 5300 d)
	gen "$C" udp-send "$TO" 5300 -n 2000 --rate 1000
	echo "lost=$(($(skmem "$S" 5300 d) - before))"
}
