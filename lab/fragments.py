#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""UDP datagrams in IP fragments that their sender made wrongly, or not completely.

  fragments.py [OPTION...] --dev DEV --dmac MAC --smac MAC SRC DST PORT

Each datagram has three fragments of --size bytes. --leave-out N sends it without the N-th (0 is the
first); --overlap lets the second one begin 8 bytes inside the first, and --again sends it twice, as
it is. Ends with: sent=N (datagrams) fragments=N
"""
import argparse
import socket
import struct
import time


def arguments():
    p = argparse.ArgumentParser()
    p.add_argument("src")
    p.add_argument("dst")
    p.add_argument("port", type=int)
    p.add_argument("--dev", required=True)
    p.add_argument("--dmac", required=True)
    p.add_argument("--smac", required=True)
    p.add_argument("-n", type=int, default=1)
    p.add_argument("--rate", type=float, default=1000)
    p.add_argument("--size", type=int, default=1000)
    p.add_argument("--first-id", type=int, default=1)
    p.add_argument("--leave-out", type=int)
    p.add_argument("--overlap", action="store_true")
    p.add_argument("--again", action="store_true")
    return p.parse_args()


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def datagram(args, src, dst):
    length = 3 * args.size
    header = struct.pack("!HHHH", 40000, args.port, length, 0)
    data = header + b"f" * (length - len(header))
    pseudo = src + dst + struct.pack("!II", length, socket.IPPROTO_UDP)
    return data[:6] + struct.pack("!H", checksum(pseudo + data) or 0xFFFF) + data[8:]


def fragment(src, dst, ident, offset, more, data):
    if len(src) == 16:
        return 0x86DD, struct.pack("!IHBB", 6 << 28, 8 + len(data), 44, 64) + src + dst + \
            struct.pack("!BBHI", socket.IPPROTO_UDP, 0, offset | more, ident) + data
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(data), ident & 0xFFFF,
                         more << 13 | offset // 8, 64, socket.IPPROTO_UDP, 0) + src + dst
    return 0x0800, header[:10] + struct.pack("!H", checksum(header)) + header[12:] + data


def pieces(args, data):
    """Offset, more to come, data."""
    size = args.size
    all_three = [(i * size, int(i < 2), data[i * size:(i + 1) * size]) for i in range(3)]
    if args.overlap:
        all_three[1] = (size - 8, 1, data[size - 8:2 * size - 8])
    if args.again:
        all_three.insert(2, all_three[1])
    if args.leave_out is not None:
        del all_three[args.leave_out]
    return all_three


def main():
    args = arguments()
    family = socket.AF_INET6 if ":" in args.dst else socket.AF_INET
    src, dst = (socket.inet_pton(family, a) for a in (args.src, args.dst))
    data = datagram(args, src, dst)
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    raw.bind((args.dev, 0))
    macs = bytes.fromhex((args.dmac + args.smac).replace(":", ""))
    sent = 0
    begin = time.monotonic()
    for i in range(args.n):
        time.sleep(max(0, begin + i / args.rate - time.monotonic()))
        for offset, more, part in pieces(args, data):
            ethertype, packet = fragment(src, dst, args.first_id + i, offset, more, part)
            raw.send(macs + struct.pack("!H", ethertype) + packet)
            sent += 1
    print(f"sent={args.n} fragments={sent}")


main()
