#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that end their connections at the wrong moment, and their clients.

  close_early.py serve READY_FD PORT unread     closes when a request has come, without reading it
  close_early.py serve READY_FD PORT linger     answers all it can, and throws away what has not left
  close_early.py serve READY_FD PORT close      reads the request and closes
  close_early.py ask HOST PORT N again          a request, then (after the server's close) another one
  close_early.py ask HOST PORT N wait           a request, then wait for the server's close
  close_early.py ask HOST PORT N linger         no request: SO_LINGER 0 and close
  close_early.py idle HOST PORT N SIGNAL_FILE   N connections that speak again when the file is there

Each connection comes for itself. `ask` and `idle` print failed=: those that ended by a reset.
"""
import os
import socket
import struct
import sys
import time

NOW = struct.pack("ii", 1, 0)
REQUEST = b"GET /" + b"x" * 195


def answer(sock, kind):
    if kind == "unread":
        sock.recv(1, socket.MSG_PEEK)
        return
    sock.recv(65536)
    if kind == "linger":
        sock.setblocking(False)
        try:
            while True:
                sock.send(bytes(65536))
        except BlockingIOError:
            pass
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NOW)


def serve(ready_fd, port, kind):
    listener = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("::", int(port)))
    listener.listen(512)
    with open(int(ready_fd), "w", encoding="ascii") as ready:
        ready.write("ready\n")
    while True:
        sock = listener.accept()[0]
        try:
            answer(sock, kind)
        except ConnectionError:
            pass
        sock.close()


def wait_for_end(sock):
    while sock.recv(65536):
        pass


def ask_once(sock, kind):
    if kind == "linger":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NOW)
        return
    sock.sendall(REQUEST)
    if kind == "wait":
        # So long that the server has filled every buffer, and the close is on its way
        time.sleep(0.01)
    wait_for_end(sock)
    if kind == "again":
        sock.sendall(REQUEST)
        wait_for_end(sock)


def ask(host, port, n, kind):
    failed = 0
    for _ in range(int(n)):
        with socket.create_connection((host, int(port))) as sock:
            try:
                ask_once(sock, kind)
            except ConnectionError:
                failed += 1
    print(f"sent={n} received=0 failed={failed}")


def idle(host, port, n, signal_file):
    socks = [socket.create_connection((host, int(port))) for _ in range(int(n))]
    print("ready", flush=True)
    while not os.path.exists(signal_file):
        time.sleep(0.05)
    for sock in socks:
        sock.sendall(REQUEST)
    time.sleep(0.3)
    failed = 0
    for sock in socks:
        failed += sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0
        sock.close()
    print(f"sent={n} received=0 failed={failed}")


{"serve": serve, "ask": ask, "idle": idle}[sys.argv[1]](*sys.argv[2:])
