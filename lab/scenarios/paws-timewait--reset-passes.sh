# The same clients, and the box lets their resets pass: each is refused once and served at its second
# try, some milliseconds later
. "${BASH_SOURCE[0]%/*}/paws-timewait.sh"
SEVERITY=info VERDICT=healthy ROUNDS=2
eval "timewait_$(declare -f fault)"

fault() {
	timewait_fault
	in_ns "$R" nft delete chain inet box strict
}
