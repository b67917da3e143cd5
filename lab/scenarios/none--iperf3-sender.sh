# iperf3 at full speed, examined where it sends
. "${BASH_SOURCE[0]%/*}/none--iperf3.sh"
EXAMINE=$C
