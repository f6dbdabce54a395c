"""DHCP packets a test makes itself."""

import socket
import struct
import time

from neutrinolab import kernel

REQUEST, ACK, RELEASE = 3, 5, 7


def message(kind, address, mac, options=b""):
    packet = struct.pack("!BBBBIHH4s4s4s4s16s192s", 1, 1, 6, 0, 0x1234, 0, 0,
                         socket.inet_aton(address), b"", b"", b"",
                         bytes.fromhex(mac.replace(":", "")), b"")
    return packet + bytes.fromhex("63825363") + bytes([53, 1, kind]) + options + b"\xff"


def renew(netns, address, mac, server="10.0.0.1", limit=10):
    """Renews a lease from inside a guest, as its client would at half the time; raises
    TimeoutError when no ACK comes.

    The guest's own client is not asked to: it opens its socket after it has sent the request,
    so a fast answer may find nobody, and its next try gives the address up first."""
    with kernel.inside_netns(netns):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, 68))
        sock.settimeout(0.5)
        end = time.monotonic() + limit
        while time.monotonic() < end:
            try:
                sock.sendto(message(REQUEST, address, mac), (server, 67))
                answer = sock.recv(2000)
            except OSError:
                continue  # Nobody serves for a moment.
            if bytes([53, 1, ACK]) in answer[240:]:
                return
    raise TimeoutError(f"no ACK for {address} within {limit} s")


def send_release(netns, address, mac, device="br100", server="10.0.0.1"):
    """A DHCPRELEASE as the owner of 'mac' would send it.

    Bound to the bridge, so that the server takes it for one that came in there."""
    packet = message(RELEASE, address, mac, bytes([54, 4]) + socket.inet_aton(server))
    with kernel.inside_netns(netns):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
        sock.sendto(packet, (server, 67))
