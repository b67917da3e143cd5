# The same clients, and the box lets their resets pass: each is refused once and served at its second
# try, some milliseconds later
. "${BASH_SOURCE[0]%/*}/paws-timewait.sh"
SEVERITY=info VERDICT=healthy ROUNDS=2

# Only a drop event of its own tells that nobody was refused twice
needs() {
	needs_command conntrack || return
	grep -qw PAWSTimewait /proc/net/netstat && return
	echo "this kernel counts it with old timestamps inside connections"
	return 77
}

eval "timewait_$(declare -f fault)"

fault() {
	timewait_fault
	in_ns "$R" nft delete chain inet box strict
}
