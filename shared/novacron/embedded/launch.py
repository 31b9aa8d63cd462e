"""Become another program that dies with its parent: ``launch.py <signal> <parent pid> <uid or -> <gid or -> <command...>``.

Run by path, with nothing but the standard library, between a parent that may hold any lock or thread and the program
that it wants. Doing this in the parent's own fork is what libraries with threads (gRPC) do not survive: their fork
handlers abort the child, or stop the parent's calls.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Drop to the account, ask the kernel for the signal, become the command. In this order: the drop clears the request."""
    death_signal, parent, uid, gid, *command = arguments
    if uid != "-":
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))
        os.chdir("/")  # the present directory may be one that the account cannot enter
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != int(parent):  # it died before the request: nobody would ever tell us
            sys.exit(128 + signal.SIGKILL)
    try:
        os.execve(command[0], command, os.environ)  # noqa: S606 - there is no shell, on purpose
    except OSError as error:
        sys.exit(f"cannot run {command[0]}: {error.strerror}")


main(sys.argv[1:])
