"""DHCP packets a test makes itself."""

import socket
import struct

from neutrinolab import kernel

RELEASE = 7


def send_release(netns, address, mac, device="br100", server="10.0.0.1"):
    """A DHCPRELEASE as the owner of 'mac' would send it.

    Bound to the bridge, so that the server takes it for one that came in there."""
    packet = struct.pack("!BBBBIHH4s4s4s4s16s192s", 1, 1, 6, 0, 0x1234, 0, 0,
                         socket.inet_aton(address), b"", b"", b"",
                         bytes.fromhex(mac.replace(":", "")), b"")
    packet += bytes.fromhex("63825363") + bytes([53, 1, RELEASE, 54, 4])
    packet += socket.inet_aton(server) + b"\xff"
    with kernel.inside_netns(netns):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
        sock.sendto(packet, (server, 67))
