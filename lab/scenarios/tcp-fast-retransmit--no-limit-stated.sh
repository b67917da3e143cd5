# A shaper beyond this host that nobody told whydrop of: no provider is accused
. "${BASH_SOURCE[0]%/*}/cloud-bw-allowance.sh"
CAUSE=tcp-fast-retransmit STATED=''
