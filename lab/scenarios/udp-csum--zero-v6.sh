# Datagrams without a checksum over IPv6, where there must be one; over IPv4 the same are fine
CAUSE=udp-csum EXAMINE=$S SECONDS=3 WITNESS=Udp6InCsumErrors

# 11: SO_NO_CHECK; 17, 101: SOL_UDP, UDP_NO_CHECK6_TX
SEND='
import socket, sys, time
v4 = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
v4.setsockopt(socket.SOL_SOCKET, 11, 1)
v6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
v6.setsockopt(17, 101, int(sys.argv[3]))
for i in range(300):
    v4.sendto(b"x" * 200, (sys.argv[1], 5300))
    v6.sendto(b"x" * 200, (sys.argv[2], 5300))
    time.sleep(0.002)
'

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
	NO_CHECKSUM=1
}

traffic() {
	in_ns "$C" python3 -c "$SEND" "$S4" "$S6" "$NO_CHECKSUM"
	echo "lost=$((600 - $(tally "$READER" received)))"
}

heal() {
	NO_CHECKSUM=0
}
