#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""One end of a VPN: a tun device whose packets travel in UDP.

  tunnel.py DEVICE LOCAL PEER PORT

Makes the device (drivers/net/tun.c), prints `ready` and carries packets until it is ended.
"""
import fcntl
import os
import select
import socket
import struct
import sys

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x1, 0x1000
SO_RCVBUFFORCE = 33  # include/uapi/asm-generic/socket.h; Python has no name for it

device, local, peer, port = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
tun = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", device.encode(), IFF_TUN | IFF_NO_PI))
wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
wire.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)  # on a slow machine it runs late
wire.bind((local, port))
wire.connect((peer, port))
print("ready", flush=True)
while True:
    for ready in select.select([tun, wire], [], [])[0]:
        if ready == tun:
            wire.send(os.read(tun, 65536))
        else:
            try:
                os.write(tun, wire.recv(65536))
            except OSError:  # the peer has not come up yet, or the device is down
                pass
