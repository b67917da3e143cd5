# A server throws its connections away (SO_LINGER 0) with most of its answers still to go
. "${BASH_SOURCE[0]%/*}/rst-app-unread-close.sh"
CAUSE=rst-linger0 WITNESS=TcpExtTCPAbortOnData

fault() {
	close_early linger
}
