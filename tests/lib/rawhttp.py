"""HTTP as bytes: requests that no client library would send, and their answers."""

import re
import socket

import check  # noqa: F401 -- finds neutrinolab
from neutrinolab import kernel

METADATA = ("169.254.169.254", 80)


def connect(netns, where=METADATA, timeout=5):
    with kernel.inside_netns(netns):
        return socket.create_connection(where, timeout=timeout)


def read_answer(sock):
    """(status, headers in lower case, body) of the one answer on a connection; status 0 when
    it was closed without one."""
    data = b""
    try:
        while True:
            piece = sock.recv(65536)
            if not piece:
                break
            data += piece
            head, end, body = data.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)^content-length: (\d+)", head, re.MULTILINE)
            if end and length and len(body) >= int(length[1]):
                break
    except ConnectionError:
        pass
    head, _, body = data.partition(b"\r\n\r\n")
    match = re.match(rb"HTTP/1\.[01] (\d+)", head)
    headers = dict(line.lower().split(": ", 1) for line in head.decode("latin-1").split("\r\n")[1:]
                   if ": " in line)
    return int(match[1]) if match else 0, headers, body


def exchange(netns, data, where=METADATA, timeout=5):
    """Sends the bytes on a connection of their own; the answer as in read_answer()."""
    with connect(netns, where, timeout) as sock:
        try:
            sock.sendall(data)
        except ConnectionError:
            pass  # Cut off while sending: the answer may be there all the same.
        return read_answer(sock)


def request(method, path, headers=(), body=b""):
    """The bytes of a request; headers may repeat."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 169.254.169.254", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
