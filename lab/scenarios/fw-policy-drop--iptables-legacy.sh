# iptables-legacy -P INPUT DROP: the old tables, which nft does not show
. "${BASH_SOURCE[0]%/*}/fw-policy-drop--iptables.sh"
IPTABLES=iptables-legacy

needs() {
	needs_command $IPTABLES || return
	in_ns "$S" $IPTABLES -nL >/dev/null && return
	echo "this kernel has no legacy tables"
	return 77
}
