# A small send buffer behind a slow link, over IPv6
. "${BASH_SOURCE[0]%/*}/udp-sndbuf-full.sh"
TO=$S6 WITNESS=Udp6SndbufErrors
