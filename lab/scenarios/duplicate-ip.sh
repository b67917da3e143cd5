# Two cards claim one address in turn: packets to it reach one of them, then the other
CAUSE=duplicate-ip SEVERITY=critical VERDICT=at-risk EXAMINE=$C WARM=0 TWIN=192.0.2.77

# claim MAC...: each in turn says that it is $TWIN, as a host does that is asked
CLAIM='
import socket, struct, sys, time
dev, twin, asker, target = sys.argv[1:5]
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((dev, 0x0806))
raw = lambda mac: bytes.fromhex(mac.replace(":", ""))
for mac in sys.argv[5:]:
    s.send(raw(asker) + raw(mac) + struct.pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, 2) +
           raw(mac) + socket.inet_aton(twin) + raw(asker) + socket.inet_aton(target))
    time.sleep(1.2)  # longer than the locktime of an entry, 1 s
'

fault() {
	OTHER=02:00:00:00:07:77
	ip -n "$C" neigh replace "$TWIN" lladdr "$SMAC" dev "$CDEV" nud reachable
	sleep 1.2 # within its locktime the first claim would not be taken
}

traffic() {
	in_ns "$S" python3 -c "$CLAIM" "$SDEV" "$TWIN" "$CMAC" "$C4" "$OTHER" "$SMAC" "$OTHER"
}

heal() {
	OTHER=$SMAC
	ip -n "$C" neigh replace "$TWIN" lladdr "$SMAC" dev "$CDEV" nud reachable
}
