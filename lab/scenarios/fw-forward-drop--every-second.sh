# A router: a rule with a counter drops every second packet, one without drops what it lets by
. "${BASH_SOURCE[0]%/*}/fw-forward-drop.sh"
WITNESS=

rules() {
	cat <<-RULES
		table inet filter {
			chain forward {
				type filter hook forward priority 0
				udp dport 5301 numgen random mod 2 0 counter drop
				udp dport 5301 drop
			}
		}
	RULES
}
