#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A listener with a demand on those who connect.

  listen_with.py READY_FD PORT ttl LEAST          packets with this TTL or more
  listen_with.py READY_FD PORT md5 ADDRESS KEY    signed segments from that address
  listen_with.py READY_FD PORT defer SECONDS      no connection before its data
  listen_with.py READY_FD PORT fastopen N         data in SYNs, of N at most; accepts none
"""
import signal
import socket
import struct
import sys

IP_MINTTL, IPV6_MINHOPCOUNT, TCP_MD5SIG = 21, 73, 14
TCP_DEFER_ACCEPT, TCP_FASTOPEN = 9, 23


def demand_ttl(sock, least):
    sock.setsockopt(socket.IPPROTO_IPV6, IPV6_MINHOPCOUNT, int(least))
    sock.setsockopt(socket.IPPROTO_IP, IP_MINTTL, int(least))


def demand_md5(sock, address, key):
    """struct tcp_md5sig of include/uapi/linux/tcp.h; IPv4 as ::ffff:A.B.C.D."""
    if ":" not in address:
        address = "::ffff:" + address
    who = struct.pack("=HHI16sI", socket.AF_INET6, 0, 0,
                      socket.inet_pton(socket.AF_INET6, address), 0)
    sock.setsockopt(socket.IPPROTO_TCP, TCP_MD5SIG, struct.pack(
        "=128sBBHi80s", who, 0, 0, len(key), 0, key.encode()))


def demand_data(sock, seconds):
    sock.setsockopt(socket.IPPROTO_TCP, TCP_DEFER_ACCEPT, int(seconds))


def demand_early(sock, queue):
    sock.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN, int(queue))


DEMANDS = {"ttl": demand_ttl, "md5": demand_md5, "defer": demand_data, "fastopen": demand_early}


def main():
    ready_fd, port, kind, *demand = sys.argv[1:]
    sock = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    DEMANDS[kind](sock, *demand)
    sock.bind(("::", int(port)))
    sock.listen(128)
    with open(int(ready_fd), "w", encoding="ascii") as ready:
        ready.write("ready\n")
    while kind == "fastopen":
        signal.pause()
    while True:
        sock.accept()[0].close()


main()
