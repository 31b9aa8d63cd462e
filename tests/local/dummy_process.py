"""A process that listens, says what happens to it, and misbehaves when told to: ``name port events [how]``."""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

name, port, events, *how = sys.argv[1:]


def tell(what):
    with pathlib.Path(events).open("a") as file:
        file.write(f"{what} {name}\n")


def stop(number, frame):
    tell("stopping")
    if "slow" in how:
        time.sleep(0.3)
    if "stubborn" not in how:
        tell("stopped")
        os._exit(0)


signal.signal(signal.SIGTERM, stop)
print(f"{name} speaks", flush=True)
tell("started")
if "crash" in how:
    sys.exit(3)
if "child" in how:
    child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"])
    tell(f"child {child.pid}")
with socket.socket() as server:
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", int(port)))
    server.listen()
    while True:
        server.accept()[0].close()
