# A rule drops, whatever the reverse path filter says
. "${BASH_SOURCE[0]%/*}/../scenarios/fw-rule-drop.sh"
FIX_ANSWER=useless FIX_OPTIONS="--set net.ipv4.conf.all.rp_filter=2"
