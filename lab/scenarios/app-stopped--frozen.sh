# The control group of the reader is frozen
. "${BASH_SOURCE[0]%/*}/app-stopped.sh"

needs() {
	[ -e /sys/fs/cgroup/freezer/cgroup.procs ] || [ -e /sys/fs/cgroup/cgroup.controllers ] && return
	echo "no cgroup hierarchy that freezes is mounted"
	return 77
}

fault() {
	serve READER "$S" udp-recv 5300 --rcvbuf 65536
	FROZEN=/sys/fs/cgroup/freezer/$LAB_ID/freezer.state
	[ -e /sys/fs/cgroup/freezer ] || FROZEN=/sys/fs/cgroup/$LAB_ID/cgroup.freeze
	mkdir "${FROZEN%/*}"
	on_exit await 3 rmdir "${FROZEN%/*}"
	on_exit freeze 0
	echo "$READER" >"${FROZEN%/*}/cgroup.procs"
	freeze 1
}

freeze() {
	local words=(THAWED FROZEN)

	[ "${FROZEN##*/}" = cgroup.freeze ] && words=(0 1)
	echo "${words[$1]}" >"$FROZEN"
}

heal() {
	freeze 0
	tally "$READER" received
}
