# Long datagrams with a wrong checksum: the kernel checks them when the program reads
. "${BASH_SOURCE[0]%/*}/udp-csum.sh"
SIZE=1000
