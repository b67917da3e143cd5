# One client tries 184 closed ports and nearly fills the conntrack table: it looks like a scan
. "${BASH_SOURCE[0]%/*}/conntrack-near-full.sh"
CAUSE=conntrack-near-full HOST=1 LOOKS=scan ALSO=udp-noport

# Whose connections they are is not asked where that would load a module: conntrack does so
traffic() {
	in_ns "$S" conntrack -L >/dev/null 2>&1
	gen "$C" udp-send "$S4" 6000 -n 184 --ports 184 --rate 200
}
