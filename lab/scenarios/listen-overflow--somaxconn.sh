# The program asks for a long accept queue, and somaxconn cut it to 8 when it began to listen
. "${BASH_SOURCE[0]%/*}/listen-overflow.sh"

fault() {
	in_ns "$S" sysctl -qw net.core.somaxconn=8
	serve SERVER "$S" tcp-listen 5400 --backlog 1024 --no-accept
}

# The new limit is for those who listen anew
remedied() {
	stop "$SERVER"
	serve SERVER "$S" tcp-listen 5400 --backlog 1024 --no-accept
}

heal() {
	in_ns "$S" sysctl -qw net.core.somaxconn=4096
	stop "$SERVER"
	serve SERVER "$S" tcp-listen 5400 --backlog 1024
}
