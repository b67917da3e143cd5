#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""One real TCP connection, then forged segments into it: what a broken middlebox, a replay or a
stranger would send.

  inject.py [OPTION...] --dev DEV --dmac MAC --smac MAC DST PORT

The connection stays open until all is sent and --hold seconds have passed. Numbers are relative to
what the receiver expects next. Ends with: sent=N port=OWN_PORT
"""
import argparse
import socket
import struct
import time

TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ, TCP_TIMESTAMP = 19, 20, 21, 24
REPAIR_OFF_SILENTLY = -1
RECEIVED, SENT = 1, 2
FLAGS = "FSRPAU"


def arguments():
    p = argparse.ArgumentParser()
    p.add_argument("dst")
    p.add_argument("port", type=int)
    p.add_argument("--dev", required=True)
    p.add_argument("--dmac", required=True)
    p.add_argument("--smac", required=True)
    p.add_argument("-n", type=int, default=1)
    p.add_argument("--rate", type=float, default=1000)
    p.add_argument("--first", type=int, default=0, help="bytes to send in the normal way first")
    p.add_argument("--flags", default="PA")
    p.add_argument("--seq", type=int, default=0, help="relative to what is expected")
    p.add_argument("--step", type=int, default=0, help="added to --seq with each segment")
    p.add_argument("--ack", type=int, default=0)
    p.add_argument("--tsval", type=int, default=0, help="relative to the connection's clock")
    p.add_argument("--size", type=int, default=100)
    p.add_argument("--ttl", type=int, default=64)
    p.add_argument("--bad-checksum", action="store_true")
    p.add_argument("--hold", type=float, default=0.3)
    return p.parse_args()


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def mac(text):
    return bytes(int(part, 16) for part in text.split(":"))


class Connection:
    """What the kernel knows of its own end."""

    def __init__(self, args):
        family = socket.AF_INET6 if ":" in args.dst else socket.AF_INET
        self.sock = socket.create_connection((args.dst, args.port), 5)
        if args.first:
            self.sock.sendall(b"x" * args.first)
            time.sleep(0.1)
        tcp = socket.IPPROTO_TCP
        self.sock.setsockopt(tcp, TCP_REPAIR, 1)
        self.sock.setsockopt(tcp, TCP_REPAIR_QUEUE, SENT)
        self.seq = self.sock.getsockopt(tcp, TCP_QUEUE_SEQ) & 0xFFFFFFFF
        self.sock.setsockopt(tcp, TCP_REPAIR_QUEUE, RECEIVED)
        self.ack = self.sock.getsockopt(tcp, TCP_QUEUE_SEQ) & 0xFFFFFFFF
        self.sock.setsockopt(tcp, TCP_REPAIR, REPAIR_OFF_SILENTLY)
        self.source = socket.inet_pton(family, self.sock.getsockname()[0])
        self.target = socket.inet_pton(family, args.dst)
        self.sport = self.sock.getsockname()[1]

    def clock(self):
        return self.sock.getsockopt(socket.IPPROTO_TCP, TCP_TIMESTAMP) & 0xFFFFFFFF


def segment(args, conn, i):
    seq = (conn.seq + args.seq + i * args.step) & 0xFFFFFFFF
    flags = sum(1 << k for k, letter in enumerate(FLAGS) if letter in args.flags)
    options = struct.pack("!BBBBII", 1, 1, 8, 10, (conn.clock() + args.tsval) & 0xFFFFFFFF, 0)
    header = struct.pack("!HHIIBBHHH", conn.sport, args.port, seq,
                         (conn.ack + args.ack) & 0xFFFFFFFF, (20 + len(options)) // 4 << 4, flags,
                         0xFF00, 0, 0)
    data = header + options + b"y" * args.size
    pseudo = conn.source + conn.target + struct.pack("!II", len(data), socket.IPPROTO_TCP)
    check = checksum(pseudo + data) ^ (0x5555 if args.bad_checksum else 0)
    return data[:16] + struct.pack("!H", check) + data[18:]


def packet(args, conn, i):
    data = segment(args, conn, i)
    if len(conn.target) == 16:
        return 0x86DD, struct.pack("!IHBB", 6 << 28, len(data), socket.IPPROTO_TCP,
                                   args.ttl) + conn.source + conn.target + data
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(data), i & 0xFFFF, 0, args.ttl,
                         socket.IPPROTO_TCP, 0) + conn.source + conn.target
    return 0x0800, header[:10] + struct.pack("!H", checksum(header)) + header[12:] + data


def main():
    args = arguments()
    conn = Connection(args)
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    raw.bind((args.dev, 0))
    begin = time.monotonic()
    for i in range(args.n):
        time.sleep(max(0, begin + i / args.rate - time.monotonic()))
        ethertype, data = packet(args, conn, i)
        raw.send(mac(args.dmac) + mac(args.smac) + struct.pack("!H", ethertype) + data)
    time.sleep(args.hold)
    print(f"sent={args.n} port={conn.sport}")


main()
