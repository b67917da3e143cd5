#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""IPv6 packets that a receiver must refuse.

  packets6.py [-n N] [--rate N] --dev DEV --dmac MAC --smac MAC KIND... SRC DST

KIND: option (a destination option that says to discard what does not know it), routing (a routing
header), length (of an extension header, beyond the packet), far (neighbour discovery with a hop
limit of 64), bad-option (neighbour discovery with an option of length 0); in turn. Ends with:
sent=N
"""
import argparse
import socket
import struct
import time

UDP = struct.pack("!HHHH", 40000, 5300, 8, 0)


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def solicitation(src, dst, options):
    body = struct.pack("!BBHI", 135, 0, 0, 0) + dst + options
    pseudo = src + dst + struct.pack("!II", len(body), 58)
    return body[:2] + struct.pack("!H", checksum(pseudo + body)) + body[4:]


def packet(kind, src, dst):
    """Next header, hop limit, what follows the IPv6 header."""
    if kind == "option":
        return 60, 64, bytes([17, 0, 0xC1, 4, 0, 0, 0, 0]) + UDP
    if kind == "routing":
        return 43, 64, bytes([17, 2, 0, 1, 0, 0, 0, 0]) + dst + UDP
    if kind == "length":
        return 60, 64, bytes([17, 9, 1, 4, 0, 0, 0, 0]) + UDP
    if kind == "far":
        return 58, 64, solicitation(src, dst, b"")
    return 58, 255, solicitation(src, dst, bytes([1, 0, 0, 0, 0, 0, 0, 0]))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("kinds", nargs="+")
    p.add_argument("src")
    p.add_argument("dst")
    p.add_argument("-n", type=int, default=1)
    p.add_argument("--rate", type=float, default=1000)
    p.add_argument("--dev", required=True)
    p.add_argument("--dmac", required=True)
    p.add_argument("--smac", required=True)
    args = p.parse_args()
    src, dst = (socket.inet_pton(socket.AF_INET6, a) for a in (args.src, args.dst))
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    raw.bind((args.dev, 0))
    macs = bytes.fromhex((args.dmac + args.smac).replace(":", "")) + b"\x86\xdd"
    begin = time.monotonic()
    for i in range(args.n):
        time.sleep(max(0, begin + i / args.rate - time.monotonic()))
        nexthdr, hops, body = packet(args.kinds[i % len(args.kinds)], src, dst)
        raw.send(macs + struct.pack("!IHBB", 6 << 28, len(body), nexthdr, hops) + src + dst + body)
    print(f"sent={args.n}")


main()
