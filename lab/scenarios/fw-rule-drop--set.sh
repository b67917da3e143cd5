# A rule drops what its set of blocked sources and ports holds
. "${BASH_SOURCE[0]%/*}/fw-rule-drop.sh"
SAYS='uses the set blocked'

rules() {
	cat <<-RULES
		table inet filter {
			set blocked {
				type ipv4_addr . inet_service
				elements = { $C4 . 5301, 203.0.113.7 . 5300 }
			}
			chain input {
				type filter hook input priority 0
				ip saddr . udp dport @blocked counter drop
			}
		}
	RULES
}
