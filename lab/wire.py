#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A wire between two namespaces that is slow, lossy or disorderly, for kernels without netem.

  wire.py NS1 NS2 DEVICE [--delay MS] [--late N:MS] [--lose P] [--double P] [--damage P] [--mtu BYTES]
          [--seed N] [--log FILE]

Makes a tun device in each (drivers/net/tun.c), prints `ready` and carries packets until it is ended,
each way --delay late. Of full packets from NS1 every N-th comes MS later than that: others overtake it.
Of every 1000 packets about P are lost, doubled, or get one bit of their last byte changed; larger ones
than --mtu are lost without a word. The log has a line for each packet in the order it came:
`END FATE HEX`, END 0 from NS1, 1 from NS2; FATE passed, lost, doubled, damaged or large; and its first
64 bytes.
"""
import argparse
import ctypes
import fcntl
import heapq
import os
import random
import select
import struct
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x1, 0x1000
CLONE_NEWNET = 0x40000000
FULL = 500  # bytes; a smaller packet is an acknowledgement or the like
HELD_MAX = 4000  # packets under way


def arguments():
    p = argparse.ArgumentParser()
    p.add_argument("spaces", nargs=2)
    p.add_argument("device")
    p.add_argument("--delay", type=float, default=0)
    p.add_argument("--late", default="0:0")
    for fate in ("--lose", "--double", "--damage"):
        p.add_argument(fate, type=float, default=0)
    p.add_argument("--mtu", type=int, default=65536)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--log")
    return p.parse_args()


def tun_in(space, device):
    with open(f"/run/netns/{space}", "rb") as ns:
        if ctypes.CDLL(None, use_errno=True).setns(ns.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {space}")
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", device.encode(), IFF_TUN | IFF_NO_PI))
    return tun


def fate_of(packet, args, dice):
    if len(packet) > args.mtu:
        return "large"
    n = dice.random() * 1000
    for fate, share in (("lost", args.lose), ("doubled", args.double), ("damaged", args.damage)):
        if n < share:
            return fate
        n -= share
    return "passed"


def main():
    args = arguments()
    every, extra = (float(n) for n in args.late.split(":"))
    ends = [tun_in(space, args.device) for space in args.spaces]
    log = open(args.log, "w") if args.log else None
    held, order, full, dice = [], 0, 0, random.Random(args.seed)
    print("ready", flush=True)
    while True:
        wait = max(held[0][0] - time.monotonic(), 0) if held else None
        for tun in select.select(ends, [], [], wait)[0]:
            packet, due = os.read(tun, 65536), time.monotonic() + args.delay / 1000
            fate = fate_of(packet, args, dice)
            if tun == ends[0] and len(packet) > FULL:
                full += 1
                if every and full % every == 0:
                    due += extra / 1000
            if len(held) >= HELD_MAX:
                fate = "lost"
            if log:
                print(int(tun == ends[1]), fate, packet[:64].hex(), file=log, flush=True)
            if fate == "damaged":
                packet = packet[:-1] + bytes([packet[-1] ^ 1])
            for _ in range({"lost": 0, "large": 0, "doubled": 2}.get(fate, 1)):
                order += 1
                heapq.heappush(held, (due, order, ends[tun == ends[0]], packet))
        while held and held[0][0] <= time.monotonic():
            _, _, tun, packet = heapq.heappop(held)
            try:
                os.write(tun, packet)
            except OSError:  # the device is down, or is going away
                pass


main()
