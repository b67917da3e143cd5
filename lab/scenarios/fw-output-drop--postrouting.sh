# The host's own datagrams are dropped at postrouting, on their way to the device
. "${BASH_SOURCE[0]%/*}/fw-output-drop.sh"

rules() {
	cat <<-RULES
		table ip filter {
			chain out {
				type filter hook postrouting priority 0
				udp dport 5301 counter drop
			}
		}
	RULES
}
