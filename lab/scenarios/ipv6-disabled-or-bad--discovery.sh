# Neighbour discovery that must be refused: it came through a router, or is malformed
. "${BASH_SOURCE[0]%/*}/ipv6-disabled-or-bad--headers.sh"
KINDS="far bad-option"

needs() {
	grep -qw SKB_DROP_REASON_IPV6_NDISC_HOP_LIMIT /sys/kernel/btf/vmlinux && return
	echo "this kernel has no drop reasons for neighbour discovery"
	return 77
}
