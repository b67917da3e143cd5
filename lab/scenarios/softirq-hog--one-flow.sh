# The same with a single flow: no setting spreads that, and it is named
. "${BASH_SOURCE[0]%/*}/softirq-hog.sh"
HOST=1 SOCKETS=1 RULES=4000 SAYS='one flow, 192\.0\.2\.1 to 192\.0\.2\.2'

# What one socket may have on the way is fewer than the usual queue takes
more_work() {
	rule_work
	echo 50 >/proc/sys/net/core/netdev_max_backlog
}
