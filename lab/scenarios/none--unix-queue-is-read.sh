# Programs log 5,000 messages a second to one that reads them
. "${BASH_SOURCE[0]%/*}/unix-dgram-full.sh"
CAUSE=none VERDICT="" SEVERITY=""

fault() {
	start_reader yes
}

traffic() {
	for _ in 1 2 3 4; do
		say 2500
	done
}
