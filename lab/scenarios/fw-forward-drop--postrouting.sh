# What a router forwards is dropped on its way out: no output of its own, and no input
. "${BASH_SOURCE[0]%/*}/fw-forward-drop.sh"

rules() {
	cat <<-RULES
		table inet filter {
			chain out {
				type filter hook postrouting priority 0
				udp dport 5301 counter drop
			}
		}
	RULES
}
