#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
Two ends with a fault on each port, IPv4 and IPv6: faults.py server | client SECONDS.

81  the accept queue is full       85  the receiver does not read
82  a firewall drops (the caller)  86  closed with data unread: reset
84  nobody listens                 87  TIME_WAIT refuses older time stamps
53  a UDP socket that nobody reads; 89 answers, for the caller's own faults
"""
import socket
import struct
import sys
import threading
import time

FAMILIES = ((socket.AF_INET, "192.0.2.1", "192.0.2.2"),
            (socket.AF_INET6, "2001:db8::1", "2001:db8::2"))
keep = []


def listen(family, port, backlog=128, rcvbuf=0):
    s = socket.socket(family)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if rcvbuf:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
    s.bind(("", port))
    s.listen(backlog)
    keep.append(s)
    return s


def serve(listener, each):
    def run():
        while True:
            each(listener.accept()[0])
    threading.Thread(target=run, daemon=True).start()


def late_close(c):
    time.sleep(0.1)
    c.close()


def server():
    for family, _, here in FAMILIES:
        listen(family, 81, 0)
        listen(family, 82)
        serve(listen(family, 85, rcvbuf=8192), keep.append)
        serve(listen(family, 86), late_close)
        serve(listen(family, 87), lambda c: c.close())
        serve(listen(family, 89), keep.append)
        u = socket.socket(family, socket.SOCK_DGRAM)
        u.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        u.bind((here, 53))
        keep.append(u)
    print("up", flush=True)
    time.sleep(60)


def begin(family, to, port, n):
    for _ in range(n):
        s = socket.socket(family)
        s.setblocking(False)
        try:
            s.connect((to, port))
        except OSError:
            pass
        keep.append(s)


def fill(family, to):
    s = socket.create_connection((to, 85))
    s.settimeout(0.01)
    try:
        while True:
            s.send(b"x" * 65536)
    except TimeoutError:
        pass
    keep.append(s)


def raw_syn(family, here, to, seq, tsval):
    """From port 40000, as a host with another clock would send it."""
    options = b"\2\4\5\xb4\4\2\x08\x0a" + struct.pack("!II", tsval, 0) + b"\1\3\3\7"
    head = struct.pack("!HHIIBBHHH", 40000, 87, seq, 0, 0xa0, 2, 64240, 0, 0) + options
    pseudo = (socket.inet_pton(family, here) + socket.inet_pton(family, to) +
              struct.pack("!II", len(head), 6))
    data = pseudo + head
    s = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    head = head[:16] + struct.pack("!H", ~s & 0xffff) + head[18:]
    with socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_TCP) as r:
        r.sendto(head, (to, 0))


def wait_for_old(family, here, to):
    """A connection that the server closes first; returns a sequence number and a time before it."""
    with socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_TCP) as r:
        c = socket.socket(family)
        c.bind((here, 40000))
        c.connect((to, 87))
        c.recv(1)
        c.close()
        while True:
            data = r.recv(2000)
            if family == socket.AF_INET:
                data = data[(data[0] & 15) * 4:]
            if struct.unpack("!HH", data[:4]) == (87, 40000):
                # The SYN-ACK: MSS, SACK permitted, then the time stamps
                acknowledged, echoed = struct.unpack("!I20xI", data[8:36])
                return (acknowledged - 100000) & 0xffffffff, (echoed - 100000) & 0xffffffff


def client(seconds):
    end = time.monotonic() + seconds
    older = {}
    for family, here, to in FAMILIES:
        older[family] = wait_for_old(family, here, to)
        for port, n in ((81, 6), (82, 4), (84, 3), (89, 3)):
            begin(family, to, port, n)
        for _ in range(30):
            u = socket.socket(family, socket.SOCK_DGRAM)
            u.sendto(b"x" * 500, (to, 53))
            keep.append(u)
        fill(family, to)
        for _ in range(3):
            s = socket.create_connection((to, 86))
            s.send(b"x" * 100)
            keep.append(s)
    while time.monotonic() < end:
        for family, here, to in FAMILIES:
            raw_syn(family, here, to, *older[family])
        time.sleep(0.5)
    print("done", flush=True)  # and its connections stay open
    time.sleep(60)


if sys.argv[1] == "server":
    server()
else:
    client(float(sys.argv[2]))
