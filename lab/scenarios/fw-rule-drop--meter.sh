# A rate limit for each source, kept in a set that the rule fills itself (nft's meters)
. "${BASH_SOURCE[0]%/*}/fw-rule-drop.sh"
SAYS='drops udp port 5301 above 200/second each'

rules() {
	cat <<-RULES
		table inet filter {
			set talkers {
				type ipv4_addr; size 1024; flags dynamic,timeout; timeout 1m
			}
			chain input {
				type filter hook input priority 0
				udp dport 5301 update @talkers { ip saddr limit rate over 200/second } counter drop
			}
		}
	RULES
}
