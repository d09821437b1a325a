"""Run a program that must not outlive its parent: `python tether.py PARENT_PID PROGRAM ARGUMENT…`.

Linux: the kernel is asked to kill this process when its parent dies, then the program takes its place.
Elsewhere: this process stays between the two and ends the program when the pipe to the parent, its standard
input, closes. The parent may be killed in any way; it needs to keep that pipe open as long as it lives.
Started by its file name, so it imports nothing of ours.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from typing import NoReturn

PR_SET_PDEATHSIG = 1


def become(parent: int, command: list[str]) -> NoReturn:
    """Turn into the program, to be killed with the parent (Linux)."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        # It died before the kernel was asked.
        sys.exit(1)
    os.execv(command[0], command)


def attend(command: list[str]) -> int:
    """Start the program, end it when standard input closes, and return its exit status."""
    program = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def end_with_parent() -> None:
        while os.read(0, 4096):
            pass
        program.kill()

    threading.Thread(target=end_with_parent, daemon=True).start()
    return program.wait()


if __name__ == "__main__":
    if sys.platform == "linux":
        become(int(sys.argv[1]), sys.argv[2:])
    sys.exit(attend(sys.argv[2:]))
