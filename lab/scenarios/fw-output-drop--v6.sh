# The output chain's policy drops what no rule accepts, over IPv6
. "${BASH_SOURCE[0]%/*}/fw-output-drop.sh"
WITNESS='' TO=$S6

rules() {
	cat <<-RULES
		table inet filter {
			chain output {
				type filter hook output priority 0; policy drop
				udp dport 5300 accept
				meta l4proto ipv6-icmp accept
			}
		}
	RULES
}
