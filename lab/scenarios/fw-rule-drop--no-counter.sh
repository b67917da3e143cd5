# An nft rule without a counter: nothing but the kernel's drop event shows it
. "${BASH_SOURCE[0]%/*}/fw-rule-drop.sh"
WITNESS=

rules() {
	cat <<-RULES
		table ip filter {
			chain input {
				type filter hook input priority 0
				udp dport 53 drop
				udp dport 5301 drop
				tcp dport 25 drop
			}
		}
	RULES
}
