# The same where a TIME_WAIT stands for the socket: there is no counter, only the reset's reason
. "${BASH_SOURCE[0]%/*}/rst-data-after-close.sh"
WITNESS=TcpOutRsts

# tcp_v4_send_reset() there: only where the socket is a whole one
needs() {
	case $(uname -r) in
	6.1.*) ;;
	*) return 0 ;;
	esac
	echo "this kernel does not trace the resets of a TIME_WAIT"
	return 77
}

fault() {
	close_early close
	HOW=again
}
