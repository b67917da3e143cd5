# Segments whose checksum does not fit, over IPv6
. "${BASH_SOURCE[0]%/*}/tcp-csum-error.sh"
TO=$S6
