"""The same servers on gevent: servers.py echo|http [PORT OF THE DOWNSTREAM SERVICE]

One process and so one processor, as gevent has it. The HTTP is read by hand, as in the .NET servers: gevent's own WSGI server
is several times slower. Prints "ready PORT"; ends when its standard input does."""

import os
import socket
import sys
import threading

import gevent
from gevent import server, socket as gsocket

BACKLOG = 4096
DOWNSTREAM_BYTES = 16
REQUEST = b"please answer..."
LARGEST_HEAD = 8192

idle = []


def echo(connection, _):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while True:
        data = connection.recv(4096)
        if not data:
            return
        connection.sendall(data)


def connect():
    connection = gsocket.socket()
    connection.connect(("127.0.0.1", int(sys.argv[2])))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def serve(connection, _):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    received = b""
    while True:
        while (end := received.find(b"\r\n\r\n")) < 0:
            more = connection.recv(LARGEST_HEAD)
            if not more or len(received) > LARGEST_HEAD:
                return
            received += more
        if not received.startswith(b"GET "):
            raise ValueError("only GET")
        downstream = idle.pop() if idle else connect()
        downstream.sendall(REQUEST)
        answer = downstream.recv(DOWNSTREAM_BYTES)
        while len(answer) < DOWNSTREAM_BYTES:
            answer += downstream.recv(DOWNSTREAM_BYTES - len(answer))
        idle.append(downstream)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%b" % (len(answer), answer))
        received = received[end + 4 :]


def end_with_input():
    sys.stdin.read()
    os._exit(0)


handler = {"echo": echo, "http": serve}[sys.argv[1]]
listener = server.StreamServer(("127.0.0.1", 0), handler, backlog=BACKLOG)
listener.start()
print(f"ready {listener.server_port} gevent {gevent.__version__}, Python {sys.version.split()[0]}", flush=True)
threading.Thread(target=end_with_input, daemon=True).start()
listener.serve_forever()
