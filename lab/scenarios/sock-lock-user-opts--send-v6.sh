# A program sets SO_SNDBUF to 8 KB; the default would hold its bursts; over IPv6
. "${BASH_SOURCE[0]%/*}/sock-lock-user-opts--send.sh"
TO=$S6 WITNESS=Udp6SndbufErrors
