# The rule that drops stands in prerouting, before the routing decision
. "${BASH_SOURCE[0]%/*}/fw-rule-drop.sh"

rules() {
	cat <<-RULES
		table ip raw {
			chain early {
				type filter hook prerouting priority raw
				udp dport 5301 counter drop
			}
		}
	RULES
}
