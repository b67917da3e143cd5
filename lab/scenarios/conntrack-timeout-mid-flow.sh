# Tracked for three seconds, idle for four, and `ct state invalid drop`: both ends send again in vain
CAUSE=conntrack-timeout-mid-flow VIA=conntrack-invalid EXAMINE=$S SECONDS=9 WITNESS=nft.drop TO=$S4
SEVERITY=warning

fault() {
	nft_in "$S" <<-RULES
		table inet filter {
			chain input {
				type filter hook input priority 0
				ct state invalid counter drop
			}
		}
	RULES
	# The rule loads nf_conntrack where that is a module
	in_ns "$S" sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0 \
		net.netfilter.nf_conntrack_tcp_timeout_established=3
	serve LISTENER "$S" tcp-listen 5300 --backlog 64 --no-read
}

# Each segment of data after the pause and the reset at the end are dropped; what is sent is counted
# by the sockets themselves.
traffic() {
	ip netns exec "$C" python3 -c "
import socket, struct, time
def info(s):
    return struct.unpack_from('I', s.getsockopt(socket.SOL_TCP, 11, 104), 100)[0]
all = [socket.create_connection(('$TO', 5300)) for _ in range(8)]
for s in all:
    s.send(b'x')
time.sleep(4.2)
before = sum(map(info, all))
for s in all:
    s.send(b'y')
time.sleep(3)
print('lost=%d' % (sum(map(info, all)) - before + 2 * len(all)))
for s in all:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    s.close()"
}

heal() {
	in_ns "$S" sysctl -qw net.netfilter.nf_conntrack_tcp_timeout_established=432000
}
