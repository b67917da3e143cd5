# A longer SYN queue opens no UDP port
. "${BASH_SOURCE[0]%/*}/../scenarios/udp-noport.sh"
FIX_ANSWER=useless FIX_OPTIONS="--set net.ipv4.tcp_max_syn_backlog=8192"
