# An XDP program drops one UDP port, before the kernel makes a packet of it
CAUSE=xdp-drop EXAMINE=$S SECONDS=3 SEVERITY=warning TO=$S4 MODE=xdpdrv
ACTION=1 # XDP_DROP

# A place of its own to pin programs: ip hides /sys/fs/bpf when it enters a namespace
bpf_folder() {
	PIN=$LAB_DIR/bpf/program
	mountpoint -q "$LAB_DIR/bpf" && return
	mkdir -p "$LAB_DIR/bpf" && mount -t bpf bpf "$LAB_DIR/bpf" || return
	on_exit umount "$LAB_DIR/bpf"
}

# Loads a program that answers ACTION for datagrams to port 5301, and pins it: load SIZE-OF-IP-HEADER
load() {
	python3 - "$1" "$PIN" $ACTION <<-'PYTHON'
		import ctypes, struct, sys

		port_at, path = 14 + int(sys.argv[1]) + 2, sys.argv[2].encode() + b"\0"
		insn = lambda code, dst, src, off, imm: struct.pack("<BBhi", code, dst | src << 4, off, imm)
		program = b"".join([
		    insn(0x61, 2, 1, 0, 0),              # r2 = data
		    insn(0x61, 3, 1, 4, 0),              # r3 = data_end
		    insn(0xbf, 4, 2, 0, 0),              # r4 = r2
		    insn(0x07, 4, 0, 0, port_at + 2),    # r4 += behind the port
		    insn(0x2d, 4, 3, 4, 0),              # if r4 > r3 pass
		    insn(0x69, 5, 2, port_at, 0),        # r5 = port
		    insn(0x55, 5, 0, 2, (5301 & 255) << 8 | 5301 >> 8),  # if another one, pass
		    insn(0xb7, 0, 0, 0, int(sys.argv[3])),
		    insn(0x95, 0, 0, 0, 0),
		    insn(0xb7, 0, 0, 0, 2),              # XDP_PASS
		    insn(0x95, 0, 0, 0, 0)])
		libc = ctypes.CDLL(None, use_errno=True)
		code, licence = ctypes.create_string_buffer(program), ctypes.create_string_buffer(b"GPL")
		log = ctypes.create_string_buffer(65536)

		def bpf(command, attr):
		    buf = ctypes.create_string_buffer(attr + bytes(128 - len(attr)))
		    return libc.syscall(321, command, buf, 128)

		fd = bpf(5, struct.pack("<IIQQIIQ", 6, len(program) // 8, ctypes.addressof(code),
		                        ctypes.addressof(licence), 1, 65536, ctypes.addressof(log)))
		if fd < 0:
		    sys.exit("load: errno %d: %s" % (ctypes.get_errno(), log.value.decode()))
		name = ctypes.create_string_buffer(path)
		if bpf(6, struct.pack("<QI", ctypes.addressof(name), fd)) < 0:
		    sys.exit("pin: errno %d" % ctypes.get_errno())
	PYTHON
}

needs() {
	[ "$(uname -m)" = x86_64 ] && bpf_folder && load 20 && rm "$PIN" && return
	echo "no XDP program can be loaded here"
	return 77
}

fault() {
	serve READER "$S" udp-recv 5301 --rcvbuf 4000000
	serve OTHER "$S" udp-recv 5300 --rcvbuf 4000000
	bpf_folder
	if [[ $TO = *:* ]]; then load 40; else load 20; fi
	ip -n "$S" link set dev "$SDEV" "$MODE" pinned "$PIN"
}

traffic() {
	gen "$C" udp-send "$TO" 5300 -n 500 --rate 1000
	gen "$C" udp-send "$TO" 5301 -n 1000 --rate 1000
	echo "lost=$((1000 - $(tally "$READER" received)))"
}

heal() {
	ip -n "$S" link set dev "$SDEV" "$MODE" off
}
