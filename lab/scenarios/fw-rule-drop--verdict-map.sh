# A verdict map drops one port and accepts another: no rule of its own says drop
. "${BASH_SOURCE[0]%/*}/fw-rule-drop.sh"
WITNESS='' SAYS='element 5301 of its verdict map drops'

rules() {
	cat <<-RULES
		table inet filter {
			chain input {
				type filter hook input priority 0
				udp dport vmap { 5300 : accept, 5301 : drop }
			}
		}
	RULES
}
