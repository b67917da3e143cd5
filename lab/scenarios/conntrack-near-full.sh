# The conntrack table is 92 % full and filling: nothing is lost yet
CAUSE=conntrack-near-full HOST=1 EXAMINE=$S SECONDS=3 VERDICT=at-risk SEVERITY=warning TO=$S4
. "${BASH_SOURCE[0]%/*}/conntrack-table-full.sh"
CAUSE=conntrack-near-full WITNESS='' FLOWS=184 # of 200

traffic() {
	gen "$C" udp-send "$TO" 5300 -n "$FLOWS" --sockets "$FLOWS" --rate 200
}
