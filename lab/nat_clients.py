#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Several clients behind one NAT box, and a server that closes first.

  nat_clients.py serve PORT READY_FD
  nat_clients.py connect DST PORT ROUTER ROUNDS BASE server|clients ADDRESS...

Each round every one of the ports from BASE on is used by the next of the addresses; then the NAT
box (namespace ROUTER) forgets its connections, so that the next round gets the same ports there. A
client waits half a second for its connection, and what has come by then is served however late this
program gets to it. The last argument but the addresses says who closes first. Ends with: sent=N received=N
"""
import select
import socket
import subprocess
import sys
import time

PORTS, PATIENCE = 40, 0.5


def serve(port, ready_fd):
    listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True,
                                    backlog=1024)
    with open(int(ready_fd), "w", encoding="ascii") as ready:
        ready.write("ready\n")
    while True:
        listener.accept()[0].close()


def begin(address, sport, to):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address, sport))
    sock.connect_ex(to)
    return sock


def one_round(socks, client_closes):
    """How many were served; all are closed at the end."""
    poll, served = select.poll(), 0
    waiting = {sock.fileno(): sock for sock in socks}
    for fd in waiting:
        poll.register(fd, select.POLLOUT)
    end = time.monotonic() + PATIENCE
    while waiting:
        ready = poll.poll(50)
        if not ready and time.monotonic() > end:
            break
        for fd, events in ready:
            sock = waiting.pop(fd)
            poll.unregister(fd)
            if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) or events & select.POLLERR:
                continue
            served += 1
            sock.setblocking(True)
            if not client_closes:
                sock.recv(1)
            sock.close()
    time.sleep(0.1)
    for sock in socks:
        sock.close()
    return served


def connect(dst, port, router, rounds, base, who, *addresses):
    sent = received = 0
    for number in range(int(rounds)):
        socks = [begin(addresses[(i + number) % len(addresses)], int(base) + i, (dst, int(port)))
                 for i in range(PORTS)]
        sent += len(socks)
        received += one_round(socks, who == "clients")
        subprocess.run(["ip", "netns", "exec", router, "conntrack", "-F"], check=True,
                       stderr=subprocess.DEVNULL)
    print(f"sent={sent} received={received}")


if sys.argv[1] == "serve":
    serve(int(sys.argv[2]), sys.argv[3])
else:
    connect(*sys.argv[2:])
