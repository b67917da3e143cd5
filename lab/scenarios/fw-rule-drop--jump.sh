# The rule that drops stands in a chain of its own, behind a jump
. "${BASH_SOURCE[0]%/*}/fw-rule-drop.sh"

rules() {
	cat <<-RULES
		table inet filter {
			chain services {
				udp dport 5300 accept
				udp dport 5301 counter drop
			}
			chain input {
				type filter hook input priority 0; policy accept
				meta l4proto udp counter jump services
			}
		}
	RULES
}
