# A closed port, and datagrams whose UDP header stands behind IPv6 extension headers
CAUSE=udp-noport EXAMINE=$S SECONDS=3

# 59, 54: IPV6_DSTOPTS, IPV6_HOPOPTS; each of eight bytes of padding
SEND='
import socket, sys, time
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IPV6, 59, bytes([0, 0, 1, 4, 0, 0, 0, 0]))
s.setsockopt(socket.IPPROTO_IPV6, 54, bytes([0, 0, 1, 4, 0, 0, 0, 0]))
for burst in range(4):
    for i in range(300):
        s.sendto(b"x" * 500, (sys.argv[1], 5300))
    time.sleep(0.5)
'

traffic() {
	in_ns "$C" python3 -c "$SEND" "$S6"
	[ -n "$READER" ] || echo lost=1200
}

heal() {
	serve READER "$S" udp-recv 5300 --rcvbuf 6000000
}
