# The chain's policy is drop as well, but it is an explicit rule that drops
. "${BASH_SOURCE[0]%/*}/fw-rule-drop.sh"

rules() {
	cat <<-RULES
		table inet filter {
			chain input {
				type filter hook input priority 0; policy drop
				udp dport 5301 counter drop
				ct state new,established accept
			}
		}
	RULES
}
