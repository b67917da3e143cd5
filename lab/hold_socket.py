#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A server whose reads get stuck inside the kernel, as if their buffer had been swapped out.

  hold_socket.py PORT SECONDS READY_FD

The buffer of the first read of each connection belongs to a userfaultfd, and its page is given only
after SECONDS: so long the reading thread holds the socket.
"""
import ctypes
import fcntl
import mmap
import os
import platform
import socket
import struct
import sys
import threading

NR_USERFAULTFD = {"x86_64": 323, "aarch64": 282}
UFFDIO_API, UFFDIO_REGISTER, UFFDIO_ZEROPAGE = 0xC018AA3F, 0xC020AA00, 0xC020AA04
MISSING = 1
PAGE = mmap.PAGESIZE
libc = ctypes.CDLL(None, use_errno=True)


def withheld_page():
    """A page nobody has touched yet, and the descriptor by which it can be given."""
    uffd = libc.syscall(NR_USERFAULTFD[platform.machine()], os.O_CLOEXEC)
    if uffd < 0:
        raise OSError(ctypes.get_errno(), "userfaultfd")
    fcntl.ioctl(uffd, UFFDIO_API, bytearray(struct.pack("QQQ", 0xAA, 0, 0)))
    page = mmap.mmap(-1, PAGE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(page))
    fcntl.ioctl(uffd, UFFDIO_REGISTER, bytearray(struct.pack("QQQQ", start, PAGE, MISSING, 0)))
    return uffd, page, start


def give(uffd, start):
    fcntl.ioctl(uffd, UFFDIO_ZEROPAGE, bytearray(struct.pack("QQQq", start, PAGE, 0, 0)))
    os.close(uffd)


def one_connection(sock, seconds):
    sock.setblocking(True)
    if seconds:
        uffd, page, start = withheld_page()
        threading.Timer(seconds, give, (uffd, start)).start()
        libc.recv(sock.fileno(), ctypes.c_void_p(start), PAGE, 0)
        del page
    while sock.recv(65536):
        pass


def main():
    port, seconds, ready_fd = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    listener = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    listener.bind(("::", port))
    listener.listen(16)
    with open(ready_fd, "w", encoding="ascii") as ready:
        ready.write("ready\n")
    while True:
        sock = listener.accept()[0]
        threading.Thread(target=one_connection, args=(sock, seconds), daemon=True).start()


main()
