#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# watch: what kfree_skb does not see, or not whole, stands in the same table: captures that miss
# packets, a full SYN queue, XDP, the backlog of a CPU, the ring of a tap device, sends that fail. All
# in one watch of each end, each to the packet what the kernel's own counter (or the program) says;
# and nothing at all of the same traffic once every fault is mended.
. "$(dirname "$0")/../lib.sh"
need_root "private network namespaces"
command -v ethtool > /dev/null || skip "no ethtool here"
# What captures lost is asked through it. whydrop never loads it.
modprobe -q af_packet_diag 2> /dev/null

client='' server=''
space client
space server
wire "$client" "$server"
CMAC=$(ip -n "$client" -o link show eth0 | sed 's/.*ether \([0-9a-f:]*\).*/\1/')
SMAC=$(ip -n "$server" -o link show eth0 | sed 's/.*ether \([0-9a-f:]*\).*/\1/')
at() { ip netns exec "$@"; }
gen() { at "$1" "$GEN" "${@:2}" > "$TMP/gen"; }
failed() { sed -n 's/.*failed=\([0-9]*\).*/\1/p' "$TMP/gen"; }
tcp_counter() { at "$server" nstat -asz "TcpExt$1" 2> /dev/null | awk -v c="TcpExt$1" '$1 == c { print $2 }'; }
backlog_dropped() { local line sum=0; while read -r _ line _; do sum=$((sum + 16#$line)); done < /proc/net/softnet_stat; echo $sum; }
xdp_counter() { at "$server" ethtool -S eth0 | awk '/rx_queue_.*xdp_drops/ { n += $2 } END { print n + 0 }'; }
tap_dropped() { at "$client" cat /sys/class/net/tap0/statistics/tx_dropped; }
qdisc_dropped() { tc -n "$client" -s qdisc show dev "$1" | sed -n 's/.*(dropped \([0-9]*\),.*/\1/p' | head -n 1; }
in_space() { # in_space NAMESPACE COMMAND...: in the background, until the test ends
	ip netns exec "$@" &
	CHILDREN+=($!)
}

# The backlog's limit is the whole host's: the lab's lock keeps others from being hit by it.
BACKLOG=/proc/sys/net/core/netdev_max_backlog
exec 8> /run/whydrop-lab.lock
flock -w 300 8 || skip "the lab holds its lock"
undo eval "echo $(cat $BACKLOG) > $BACKLOG"

# ---- who listens, captures and holds ----

# A capture whose buffer is as told; each line it is given asks what PACKET_STATISTICS has counted.
cat > "$TMP/capture.py" <<- 'END'
	import fcntl, os, socket, struct, sys
	s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(3))
	s.bind(("cap0", 3))
	s.setsockopt(socket.SOL_SOCKET, 33, int(sys.argv[1]))  # SO_RCVBUFFORCE
	print("ready", flush=True)
	for line in sys.stdin:
	    print(struct.unpack("II", s.getsockopt(263, 6, 8))[1], flush=True)
END
# A tap device, or a tun device (flag 1), read or not.
cat > "$TMP/tap.py" <<- 'END'
	import fcntl, os, struct, sys, time
	fd = os.open("/dev/net/tun", os.O_RDWR)
	fcntl.ioctl(fd, 0x400454ca, struct.pack("16sH22x", sys.argv[2].encode(), 0x1000 | int(sys.argv[3])))
	print("ready", flush=True)
	if sys.argv[1] == "keep":
	    time.sleep(300)
	while os.read(fd, 65536):
	    pass
END
# Sends that the kernel refuses for want of room: ENOBUFS, told by IP_RECVERR alone.
cat > "$TMP/enobufs.py" <<- 'END'
	import errno, socket
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	s.setsockopt(socket.IPPROTO_IP, 11, 1)
	s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4000000)
	refused = 0
	for i in range(400):
	    try:
	        s.sendto(bytes(1000), ("203.0.113.2", 5300))
	    except OSError as e:
	        refused += e.errno == errno.ENOBUFS
	print(refused)
END
open_capture() { # open_capture BYTES
	rm -f "$TMP"/ask "$TMP"/answer && mkfifo "$TMP/ask" "$TMP/answer"
	exec 5<> "$TMP/ask" 6<> "$TMP/answer"
	ip netns exec "$server" python3 "$TMP/capture.py" "$1" <&5 >&6 8>&- &
	capture=$!
	CHILDREN+=("$capture")
	read -r -t 20 -u 6 _ || fail "no capture"
}
open_tap() { # open_tap NAMESPACE keep|read DEVICE FLAG
	rm -f "$TMP/tap" && mkfifo "$TMP/tap"
	ip netns exec "$1" python3 "$TMP/tap.py" "${@:2}" > "$TMP/tap" 8>&- &
	tap=$!
	CHILDREN+=("$tap")
	read -r -t 20 _ < "$TMP/tap" || fail "no tap device"
}
close_one() { { kill "$1" && wait "$1"; } 2> /dev/null; }

# An XDP program on eth0: what comes to port 5311 is dropped, to port 5312 it fails.
cat > "$TMP/xdp.py" <<- 'END'
	import ctypes, struct, sys
	insn = lambda code, dst, src, off, imm: struct.pack("<BBhi", code, dst | src << 4, off, imm)
	port = lambda n: (n & 255) << 8 | n >> 8
	program = b"".join([
	    insn(0x61, 2, 1, 0, 0), insn(0x61, 3, 1, 4, 0),        # r2 = data, r3 = data_end
	    insn(0xbf, 4, 2, 0, 0), insn(0x07, 4, 0, 0, 38), insn(0x2d, 4, 3, 5, 0),
	    insn(0x69, 5, 2, 36, 0),                               # r5 = destination port
	    insn(0xb7, 0, 0, 0, 1), insn(0x15, 5, 0, 3, port(5311)),  # XDP_DROP
	    insn(0xb7, 0, 0, 0, 0), insn(0x15, 5, 0, 1, port(5312)),  # XDP_ABORTED
	    insn(0xb7, 0, 0, 0, 2), insn(0x95, 0, 0, 0, 0)])          # XDP_PASS
	libc = ctypes.CDLL(None, use_errno=True)
	code, licence = ctypes.create_string_buffer(program), ctypes.create_string_buffer(b"GPL")
	def bpf(command, attr):
	    return libc.syscall(321, command, ctypes.create_string_buffer(attr + bytes(128 - len(attr))), 128)
	log = ctypes.create_string_buffer(65536)
	fd = bpf(5, struct.pack("<IIQQIIQ", 6, len(program) // 8, ctypes.addressof(code),
	                        ctypes.addressof(licence), 1, 65536, ctypes.addressof(log)))
	if fd < 0:
	    sys.exit("load: errno %d: %s" % (ctypes.get_errno(), log.value.decode()))
	name = ctypes.create_string_buffer(sys.argv[1].encode())
	if bpf(6, struct.pack("<QI", ctypes.addressof(name), fd)) < 0:
	    sys.exit("pin: errno %d" % ctypes.get_errno())
END
mkdir "$TMP/bpf" && mount -t bpf bpf "$TMP/bpf" || skip "no BPF file system here"
undo umount "$TMP/bpf"

# Pairs beside eth0, where XDP is: what is captured, what a shaper drops, what comes in bursts.
pair() { # pair DEVICE NETWORK
	ip link add "$1" netns "$client" type veth peer name "$1" netns "$server"
	ip -n "$client" addr add "$2.1/24" dev "$1"
	ip -n "$server" addr add "$2.2/24" dev "$1"
	for i in "$client" "$server"; do
		at "$i" sysctl -qw "net.ipv6.conf.$1.disable_ipv6=1"
		ip -n "$i" link set "$1" up
	done
}
pair cap0 198.51.100
pair shaped0 203.0.113
pair bursts0 198.18.0
ip -n "$client" tuntap add tap0 mode tap || skip "no tap devices here"
at "$client" sysctl -qw net.ipv6.conf.tap0.disable_ipv6=1
ip -n "$client" link set tap0 up
ip -n "$client" addr add 192.0.2.129/25 dev tap0
ip -n "$client" neigh replace 192.0.2.200 lladdr 02:00:00:00:00:07 dev tap0 nud permanent
# Who sends the SYNs never answers: what is sent there ends in a device that takes everything.
open_tap "$server" read sink0 1
at "$server" sysctl -qw net.ipv6.conf.sink0.disable_ipv6=1
ip -n "$server" link set sink0 up
ip -n "$server" route add 10.66.0.0/16 dev sink0
at "$server" sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0
at "$server" sysctl -qw net.ipv4.tcp_syncookies=0 net.ipv4.tcp_max_syn_backlog=4096
at "$client" ethtool -K bursts0 tso off gso off tx-udp-segmentation off > /dev/null
in_space "$server" "$GEN" udp-recv 5300 --rcvbuf 8000000 --time 240 > /dev/null 8>&-
in_space "$server" "$GEN" udp-recv 5311 --rcvbuf 4000000 --time 240 > /dev/null 8>&-
in_space "$server" "$GEN" udp-recv 5312 --rcvbuf 4000000 --time 240 > /dev/null 8>&-
listen() { # listen BACKLOG
	ip netns exec "$server" "$GEN" tcp-listen 5400 --backlog "$1" --time 240 > /dev/null 8>&- &
	listener=$!
	CHILDREN+=("$listener")
	await 5 eval '[ -n "$(at "$server" ss -Htln sport = :5400)" ]' || fail "nobody listens"
}
gen "$client" udp-send 192.0.2.2 5300 -n 5 # neighbours are known now
gen "$client" udp-send 198.51.100.2 5300 -n 5
gen "$client" udp-send 203.0.113.2 5300 -n 5
gen "$client" udp-send 198.18.0.2 5300 -n 5

break_all() {
	listen 64
	open_capture 4096
	open_tap "$client" keep tap0 2
	ip -n "$client" link set tap0 txqueuelen 20
	ip -n "$server" link set dev eth0 xdpdrv pinned "$TMP/bpf/program"
	tc -n "$client" qdisc add dev shaped0 root handle 1: tbf rate 4mbit burst 5000 limit 20000
	SIZE=2000
}
mend_all() {
	close_one "$listener"
	close_one "$capture"
	close_one "$tap"
	listen 4096
	open_capture 8000000
	ip -n "$client" link set tap0 txqueuelen 1000
	open_tap "$client" read tap0 2
	ip -n "$server" link set dev eth0 xdpdrv off
	tc -n "$client" qdisc del dev shaped0 root
	SIZE=1400
}

# ---- the traffic, and what the kernel counts of it ----

declare -A TRUTH
has_send_length() { printf '%s\n' 6.3 "$(uname -r)" | sort -CV; }
traffic() { # traffic LIMIT-OF-THE-BACKLOG
	local before saved

	gen "$client" udp-send 198.51.100.2 5300 -n 300 --rate 3000
	echo >&5
	read -r -t 10 -u 6 "TRUTH[capture-cost-or-loss]"

	before=$(tcp_counter TCPReqQFullDrop)
	gen "$client" raw eth0 --tcp S --from 10.66.0.1 --to 192.0.2.2 --to-port 5400 \
		--dmac "$SMAC" --smac "$CMAC" -n 400 --rate 4000 --sources 400
	TRUTH[synq-full-drop]=$(($(tcp_counter TCPReqQFullDrop) - before))

	before=$(xdp_counter)
	gen "$client" udp-send 192.0.2.2 5311 -n 300 --rate 3000
	TRUTH[xdp-drop]=$(($(xdp_counter) - before))
	before=$(xdp_counter)
	gen "$client" udp-send 192.0.2.2 5312 -n 200 --rate 3000
	TRUTH[xdp-aborted]=$(($(xdp_counter) - before))

	before=$(tap_dropped)
	gen "$client" udp-send 192.0.2.200 5300 -n 250 --rate 3000
	TRUTH[tap-ring-full]=$(($(tap_dropped) - before))

	gen "$client" udp-send 192.0.2.2 5300 -n 150 --rate 3000 --size $SIZE --mtu-discover 2 || :
	# Before 6.3 nothing tells of them.
	if has_send_length; then TRUTH[send-too-big]=$(failed); fi
	TRUTH[enobufs]=$(at "$client" python3 "$TMP/enobufs.py")
	TRUTH[qdisc-drop]=$(qdisc_dropped shaped0)

	before=$(backlog_dropped)
	saved=$(cat $BACKLOG)
	echo "$1" > $BACKLOG
	gen "$client" udp-send 198.18.0.2 5300 -n 20 --rate 200 --size 40000 --segment 1000
	TRUTH[softnet-backlog-drop]=$(($(backlog_dropped) - before))
	echo "$saved" > $BACKLOG
}
watch() { # watch NAME NAMESPACE
	rm -f "$TMP/ready" && mkfifo "$TMP/ready"
	"$WHYDROP" watch --json -n "$2" -i 0.5 --ready-fd 9 9<> "$TMP/ready" > "$TMP/$1" 2> "$TMP/$1.err" 8>&- &
	CHILDREN+=($!)
	printf -v "$1" %s $!
	read -r -t 20 -n 1 _ <> "$TMP/ready" || fail "watch is not ready after 20 s" "$TMP/$1.err"
}
watched() { # watched LIMIT-OF-THE-BACKLOG: both ends at once, until a whole interval after the traffic
	local sender receiver table

	"$WHYDROP" watch -n "$server" -i 0.5 > "$TMP/table" 2> "$TMP/table.err" 8>&- &
	table=$!
	CHILDREN+=("$table")
	watch sender "$client"
	watch receiver "$server"
	await 10 grep -q '^watching' "$TMP/table" "$TMP/table.err" || fail "the table does not begin"
	traffic "$1"
	sleep 1.2
	{ kill -INT "$sender" "$receiver" "$table"; wait "$sender" "$receiver" "$table"; } 2> /dev/null
	for i in "${!TRUTH[@]}"; do echo "$i ${TRUTH[$i]}"; done > "$TMP/truth"
}
judge() { # judge WHAT EXPRESSION: over truth, and told: packets by cause, of what has a namespace
	python3 - "$TMP" "$2" > "$TMP/value" 2>&1 <<- 'END' || fail "$1" "$TMP/value"
		import json, sys
		folder = sys.argv[1]
		truth = {k: int(n) for k, n in (line.split() for line in open(folder + "/truth"))}
		refused = truth.pop("enobufs")
		told, how, missed = {}, {}, 0
		for end in ("sender", "receiver"):
		    rows = [json.loads(line) for line in open(folder + "/" + end)]
		    d = rows[-1]["summary"]
		    missed += d["missed"]["total"]
		    for l in d["lines"]:
		        # A namespace that is gone may still be cleaning up after others, and programs that
		        # look for a local service that is not there (nscd) lose no packet by it.
		        if l["netns"]["inode"] is None or l["symbol"] == "unix_stream_connect":
		            continue
		        # So many SYNs within one interval are a flood, and that is why the queue is full.
		        cause = l["cause"] if l["cause"] != "syn-flood" else "synq-full-drop"
		        told[cause] = told.get(cause, 0) + l["total"]
		        how.setdefault(cause, set()).add(l["how"])
		print("told ", told, how)
		print("truth", truth, "refused", refused, "missed", missed)
		sys.exit(not eval("(" + sys.argv[2] + ")"))
	END
	[ -z "${VERBOSE:-}" ] || cat "$TMP/value"
}

python3 "$TMP/xdp.py" "$TMP/bpf/program" || skip "no XDP program can be loaded here"
break_all
watched 10
judge "the faults did not lose packets, each" "all(truth.values())"
judge "not to the packet what was counted" "told == truth and missed == 0"
judge "a shaper's drops are what the program was refused" "refused == truth['qdisc-drop']"
judge "what leaves no event is counted, else traced" "all(how[c] ==
	{'counted' if c in ('synq-full-drop', 'capture-cost-or-loss') else 'traced'} for c in how)"
for i in capture-cost-or-loss synq-full-drop xdp-drop xdp-aborted softnet-backlog-drop; do
	grep -q " $i$" "$TMP/table" || fail "the table has no $i" "$TMP/table"
done

mend_all
watched 1000
judge "the faults are not mended" "not any(truth.values())"
judge "not silent once mended" "not told and missed == 0"
finish
