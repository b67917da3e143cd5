# The same where a TIME_WAIT stands for the socket: there is no counter, only the reset's reason
. "${BASH_SOURCE[0]%/*}/rst-data-after-close.sh"
WITNESS=TcpOutRsts

fault() {
	close_early close
	HOW=again
}
