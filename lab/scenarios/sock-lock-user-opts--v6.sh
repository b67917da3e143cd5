# A program sets SO_RCVBUF to 8 KB; the default would hold the bursts; over IPv6
. "${BASH_SOURCE[0]%/*}/sock-lock-user-opts.sh"
TO=$S6 WITNESS=Udp6RcvbufErrors
