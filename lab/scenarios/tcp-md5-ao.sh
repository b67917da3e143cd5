# A listener that wants signed segments from a client that has no key
. "${BASH_SOURCE[0]%/*}/tcp-minttl.sh"
CAUSE=tcp-md5-ao WITNESS=TcpExtTCPMD5NotFound FROM=$C4

fault() {
	demand md5 "$FROM" secret
}
