#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Echo requests, at a rate: ping.py ADDRESS N RATE. Ends with: sent=N received=N"""
import socket
import struct
import sys
import time


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def main():
    address, n, rate = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    six = ":" in address
    request, reply = (128, 129) if six else (8, 0)
    sock = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_RAW,
                         socket.IPPROTO_ICMPV6 if six else socket.IPPROTO_ICMP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    begin = time.monotonic()
    for i in range(n):
        time.sleep(max(0, begin + i / rate - time.monotonic()))
        data = struct.pack("!BBHHH", request, 0, 0, 7, i)
        sock.sendto(data[:2] + struct.pack("!H", checksum(data)) + data[4:], (address, 0))
    received = 0
    sock.settimeout(0.3)
    try:
        while True:
            data = sock.recv(2048)
            received += data[0 if six else (data[0] & 15) * 4] == reply
    except socket.timeout:
        pass
    print(f"sent={n} received={received}")


main()
