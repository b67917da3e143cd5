# Two tables drop in turn: a limit without a counter the first 300 a second, the next one the rest
. "${BASH_SOURCE[0]%/*}/fw-rule-drop.sh"
WITNESS=

rules() {
	cat <<-RULES
		table ip first {
			chain input {
				type filter hook input priority -10
				udp dport 5301 limit rate 300/second drop
			}
		}
		table inet second {
			chain input {
				type filter hook input priority 10
				udp dport { 5301, 5302 } counter drop
			}
		}
	RULES
}
