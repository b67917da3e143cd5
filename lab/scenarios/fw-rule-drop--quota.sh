# A quota is used up: what comes beyond it is dropped
. "${BASH_SOURCE[0]%/*}/fw-rule-drop.sh"
SAYS='above a quota of 10000 bytes'

rules() {
	cat <<-RULES
		table inet filter {
			chain input {
				type filter hook input priority 0
				udp dport 5301 quota over 10000 bytes counter drop
			}
		}
	RULES
}
