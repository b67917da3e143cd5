# A limit accepts 200 a second, and the rule behind it drops the rest: the drop is the limit at work
. "${BASH_SOURCE[0]%/*}/fw-rule-drop.sh"
SAYS='drops udp port 5301 above 200/second'

rules() {
	cat <<-RULES
		table inet filter {
			chain limits {
				udp dport 5301 limit rate 200/second counter return
				udp dport 5301 counter drop
			}
			chain input {
				type filter hook input priority 0
				udp dport 5300 limit rate 400/second accept
				jump limits
			}
		}
	RULES
}
