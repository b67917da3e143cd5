# A rate limit: what comes over 200 a second is dropped, the rest passes
. "${BASH_SOURCE[0]%/*}/fw-rule-drop.sh"
SAYS='drops udp port 5301 above 200/second'

rules() {
	cat <<-RULES
		table inet filter {
			chain input {
				type filter hook input priority 0
				udp dport 5301 limit rate over 200/second counter drop
			}
		}
	RULES
}
