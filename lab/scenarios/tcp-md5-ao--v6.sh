# A listener that wants signed segments from a client that has no key, over IPv6
. "${BASH_SOURCE[0]%/*}/tcp-md5-ao.sh"
TO=$S6 FROM=$C6
