"""Stands for one command: hands its files, directory and environment to the server, passes signals on, ends as it ends.

It imports as little as there can be, since its start is what is saved.
"""

import _socket
import array
import marshal
import os
import signal
import sys


def main(address: str, arguments: list[str]) -> int:
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    connection.connect(address)
    order = marshal.dumps((arguments, os.getcwd(), dict(os.environ)))
    connection.setsockopt(_socket.SOL_SOCKET, _socket.SO_SNDBUF, 1 << 20)
    connection.sendmsg([order], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))])
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: connection.send(number.to_bytes(1, "big")))
    # The command alone holds them from here on: who reads from it sees its end, and not this one's.
    for descriptor in (0, 1, 2):
        os.close(descriptor)
    code = connection.recv(4)
    return int.from_bytes(code, "big", signed=True) if code else 70


if __name__ == "__main__":
    code = main(sys.argv[1], sys.argv[2:])
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)
