# A longer accept queue mends no reverse path
. "${BASH_SOURCE[0]%/*}/../scenarios/rp-filter.sh"
FIX_ANSWER=useless FIX_OPTIONS="--set net.core.somaxconn=8192"
