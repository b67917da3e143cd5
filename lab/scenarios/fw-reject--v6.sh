# A rule without a counter rejects one UDP port, over IPv6
. "${BASH_SOURCE[0]%/*}/fw-reject.sh"
TO=$S6

rules() {
	cat <<-RULES
		table ip6 filter {
			chain input {
				type filter hook input priority 0
				udp dport 5301 reject
			}
		}
	RULES
}
