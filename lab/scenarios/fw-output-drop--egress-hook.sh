# A rule on the device's egress hook: the sender gets ENOBUFS, and it is no full send buffer
. "${BASH_SOURCE[0]%/*}/fw-output-drop.sh"
WITNESS=

rules() {
	cat <<-RULES
		table netdev filter {
			chain egress {
				type filter hook egress device $CDEV priority 0
				udp dport ${1:-5301} counter drop
			}
		}
	RULES
}

needs() {
	rules 9 | nft_in "$C" && in_ns "$C" nft flush ruleset && return
	echo "this kernel has no egress hook"
	return 77
}
