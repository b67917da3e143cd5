# SYNs from 184 forged sources nearly fill the conntrack table: it looks like an attack
. "${BASH_SOURCE[0]%/*}/conntrack-near-full.sh"
CAUSE=conntrack-near-full HOST=1 LOOKS=attack

fault() {
	SAVED=$(cat $MAX)
	ip -n "$S" route add 10.66.0.0/16 via "$C4"
	serve SERVER "$S" tcp-listen 5400 --backlog 4096
	nft_in "$S" <<-RULES
		table inet filter {
			chain input {
				type filter hook input priority 0
				ct state established,new accept
			}
		}
	RULES
	echo 200 >$MAX
}

# Whose connections they are is not asked where that would load a module: conntrack does so
traffic() {
	in_ns "$S" conntrack -L >/dev/null 2>&1
	gen "$C" raw "$CDEV" --tcp S --from 10.66.0.1 --to "$S4" --to-port 5400 --dmac "$SMAC" \
		--smac "$CMAC" -n 184 --rate 200 --sources 184
}
