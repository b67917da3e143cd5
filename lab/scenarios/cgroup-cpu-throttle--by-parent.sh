# The reader's own quota is ample; the one of the group above is used up by its neighbours
. "${BASH_SOURCE[0]%/*}/cgroup-cpu-throttle.sh"

quota() {
	case $GROUPS_IN in
	*/cpu/*) echo $(($2 * 1000)) >"$1/cpu.cfs_quota_us" ;;
	*) echo "$(($2 * 1000)) 100000" >"$1/cpu.max" ;;
	esac
}

fault() {
	local i

	serve READER "$S" udp-recv 5300
	GROUPS_IN=/sys/fs/cgroup/cpu/$LAB_ID
	[ -e /sys/fs/cgroup/cpu ] || GROUPS_IN=/sys/fs/cgroup/$LAB_ID
	[ -e /sys/fs/cgroup/cpu ] || echo +cpu >/sys/fs/cgroup/cgroup.subtree_control
	mkdir "$GROUPS_IN"
	on_exit await 3 rmdir "$GROUPS_IN"
	[ -e /sys/fs/cgroup/cpu ] || echo +cpu >"$GROUPS_IN/cgroup.subtree_control"
	mkdir "$GROUPS_IN"/{own,busy}
	on_exit await 3 rmdir "$GROUPS_IN/own"
	on_exit await 3 rmdir "$GROUPS_IN/busy"
	quota "$GROUPS_IN" 10
	quota "$GROUPS_IN/own" 9
	echo "$READER" >"$GROUPS_IN/own/cgroup.procs"
	for i in 1 2; do
		timeout 60 sh -c 'while :; do :; done' &
		BUSY+=($!)
		echo $! >"$GROUPS_IN/busy/cgroup.procs"
		on_exit kill $!
	done
}

heal() {
	kill "${BUSY[@]}"
	stop "$READER"
	serve READER "$S" udp-recv 5300 --rcvbuf 4000000
}
