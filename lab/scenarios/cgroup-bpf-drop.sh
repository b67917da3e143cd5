# A BPF program of a cgroup forbids all that a process in it sends
CAUSE=cgroup-bpf-drop EXAMINE=$C SECONDS=3 WITNESS=IpOutDiscards TO=$S4

# cgroup_folder: a hierarchy of the second version, and a group in it
cgroup_folder() {
	GROUP=$LAB_DIR/cgroup/whydrop-$LAB_ID
	mountpoint -q "$LAB_DIR/cgroup" && return
	mkdir -p "$LAB_DIR/cgroup" && mount -t cgroup2 cgroup2 "$LAB_DIR/cgroup" || return
	on_exit umount "$LAB_DIR/cgroup"
	mkdir "$GROUP" && on_exit await 3 rmdir "$GROUP"
}

# forbid attach|detach: a program that answers 0, "no", for what the group sends
forbid() {
	python3 - "$GROUP" "$1" <<-'PYTHON'
		import ctypes, os, struct, sys

		libc = ctypes.CDLL(None, use_errno=True)
		group, command = os.open(sys.argv[1], os.O_RDONLY), sys.argv[2]
		code = ctypes.create_string_buffer(struct.pack("<BBhiBBhi", 0xb7, 0, 0, 0, 0x95, 0, 0, 0))
		licence = ctypes.create_string_buffer(b"GPL")

		def bpf(command, attr):
		    buf = ctypes.create_string_buffer(attr + bytes(128 - len(attr)))
		    result = libc.syscall(321, command, buf, 128)
		    if result < 0:
		        sys.exit("bpf(%d): errno %d" % (command, ctypes.get_errno()))
		    return result

		if command == "attach":  # BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS
		    program = bpf(5, struct.pack("<IIQQ", 8, 2, ctypes.addressof(code),
		                                 ctypes.addressof(licence)))
		    bpf(8, struct.pack("<IIII", group, program, 1, 0))
		else:
		    bpf(9, struct.pack("<IIII", group, 0, 1, 0))
	PYTHON
}

needs() {
	[ "$(uname -m)" = x86_64 ] && cgroup_folder && forbid attach && forbid detach && return
	echo "no BPF program can be attached to a cgroup here"
	return 77
}

fault() {
	serve READER "$S" udp-recv 5300
	cgroup_folder
	forbid attach
}

# One sender within the group, one without
traffic() {
	gen "$C" udp-send "$TO" 5300 -n 500 --rate 1000
	# shellcheck disable=SC2016
	in_ns "$C" sh -c 'echo $$ >"$1"/cgroup.procs && shift && exec "$@"' sh "$GROUP" \
		"$GEN" udp-send "$TO" 5300 -n 800 --rate 800
	echo "lost=$((1300 - $(tally "$READER" received)))"
}

heal() {
	forbid detach
}
