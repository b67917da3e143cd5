# Memory for fragments is not what a router wants that does not forward
. "${BASH_SOURCE[0]%/*}/../scenarios/ip-forward-sysctl-reset.sh"
FIX_ANSWER=useless FIX_OPTIONS="--set net.ipv4.ipfrag_high_thresh=8388608"
