#!/usr/bin/python3 -B
"""Sends the same kind of request over and over, from a number of connections that each
wait for their answer: load.py SPEC, where SPEC is JSON:

    host, port, path, headers, body     the request; "{n}" in the body becomes a number
    clients, requests                   how many connections, and requests in all
    first                               the first number

Prints JSON: requests answered with 2xx, others, seconds, and latencies in ms.  One
process, one thread, plain sockets: the client must not be what is measured.
"""

import json
import selectors
import socket
import sys
import time


class Client:
    """A connection with one request under way."""

    def __init__(self, spec):
        self.sock = socket.create_connection((spec["host"], spec["port"]), timeout=10)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)
        self.buffer = b""
        self.sent_at = 0.0

    def send(self, request):
        self.buffer = b""
        self.sent_at = time.monotonic()
        self.sock.sendall(request)

    def receive(self):
        """The status once the answer is whole, or 0."""
        data = self.sock.recv(65536)
        if not data:
            raise OSError("the server closed the connection")
        self.buffer += data
        head, end, body = self.buffer.partition(b"\r\n\r\n")
        if not end:
            return 0
        at = head.lower().find(b"content-length:")
        length = int(head[at + 15:].split(b"\r\n", 1)[0]) if at >= 0 else 0
        return int(head[9:12]) if len(body) >= length else 0


class Load:
    def __init__(self, spec):
        self.spec = spec
        self.number = spec["first"]
        self.good = self.bad = 0
        self.first_bad = ""
        self.latencies = []
        lines = [f"POST {spec['path']} HTTP/1.1", f"Host: {spec['host']}",
                 "Content-Type: application/json"]
        lines += [f"{name}: {value}" for name, value in spec["headers"].items()]
        self.head = "\r\n".join(lines)

    def request(self):
        self.number += 1
        body = self.spec["body"].replace("{n}", str(self.number))
        return f"{self.head}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()

    def take(self, client, status):
        if 200 <= status < 300:
            self.good += 1
        else:
            self.bad += 1
            self.first_bad = self.first_bad or client.buffer.decode("utf-8", "replace")[-300:]
        self.latencies.append((time.monotonic() - client.sent_at) * 1000)

    def run(self):
        selector = selectors.DefaultSelector()
        clients = [Client(self.spec) for _ in range(self.spec["clients"])]
        last = self.number + self.spec["requests"]
        start = time.monotonic()
        for client in clients:
            selector.register(client.sock, selectors.EVENT_READ, client)
            client.send(self.request())
        under_way = len(clients)
        while under_way:
            for key, _ in selector.select(10):
                client = key.data
                status = client.receive()
                if status:
                    self.take(client, status)
                    if self.number < last:
                        client.send(self.request())
                    else:
                        under_way -= 1
        return time.monotonic() - start


def main():
    load = Load(json.loads(sys.argv[1]))
    seconds = load.run()
    latencies = sorted(load.latencies)
    print(json.dumps({"good": load.good, "bad": load.bad, "first_bad": load.first_bad,
                      "seconds": seconds, "number": load.number,
                      "p50": latencies[len(latencies) // 2],
                      "p99": latencies[int(len(latencies) * 0.99)]}))


if __name__ == "__main__":
    main()
