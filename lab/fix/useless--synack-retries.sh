# Fewer answers to a flood that cookies already bear
. "${BASH_SOURCE[0]%/*}/../scenarios/syn-flood.sh"
FIX_ANSWER=useless
