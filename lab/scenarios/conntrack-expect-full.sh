# The FTP helper may expect 20 data connections, and 60 are announced
CAUSE=conntrack-expect-full HOST=1 EXAMINE=$S SECONDS=3 TO=$S4
MAX=/proc/sys/net/netfilter/nf_conntrack_expect_max

needs() {
	in_ns "$S" nft 'add table inet probe; add ct helper inet probe h { type "ftp" protocol tcp; }' 2>/dev/null &&
		[ -e $MAX ] && return
	echo "this kernel has no FTP helper"
	return 77
}

fault() {
	SAVED=$(cat $MAX)
	nft_in "$S" <<-RULES
		table inet filter {
			ct helper files {
				type "ftp" protocol tcp
			}
			chain pre {
				type filter hook prerouting priority 0
				tcp dport 21 ct helper set "files"
			}
		}
	RULES
	in_ns "$S" python3 -c '
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
s = socket.create_server((sys.argv[1], 21), family=family, backlog=200)
kept = []
while True:
    c = s.accept()[0]
    kept = (kept + [c])[-200:]
    port = 40000 + c.getpeername()[1] % 20000
    if family == socket.AF_INET:
        text = "227 Entering Passive Mode (192,0,2,2,%d,%d)" % (port >> 8, port & 255)
    else:
        text = "229 Entering Extended Passive Mode (|||%d|)" % port
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    c.sendall(b"220 ready\r\n") # the helper reads what follows a whole line
    c.sendall(text.encode() + b"\r\n")
' "$TO" >>"$LAB_DIR/gen.log" 2>&1 &
	await 10 listens || echo "no FTP server"
	echo 20 >$MAX
}

listens() {
	in_ns "$S" ss -Hltn sport = :21 | grep -q LISTEN
}

traffic() {
	gen "$C" tcp-connect "$TO" 21 -n 60 --parallel 60 --hold 1
}

heal() {
	echo "$SAVED" >$MAX
}
