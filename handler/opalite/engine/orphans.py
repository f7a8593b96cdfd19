"""No OPA may outlive the process that started it, however that one ends: SIGKILL leaves no time for tidying up."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable

_LINUX: bool = sys.platform.startswith("linux")
_PR_SET_PDEATHSIG = 1  # linux/prctl.h

# Reads until the parent's end of the pipe is closed, which the kernel does for a dead parent; then ends the child.
_WATCH = "import os,sys,signal;sys.stdin.buffer.read();os.kill(int(sys.argv[1]),signal.SIGKILL)"


def die_with_parent() -> Callable[[], None] | None:
    """For Popen's preexec_fn: asks the Linux kernel to end the child with its parent. None elsewhere."""
    if not _LINUX:
        return None
    libc = ctypes.CDLL(None)  # loaded here: between fork and exec nothing may be loaded
    parent = os.getpid()

    def ask_kernel() -> None:  # pragma: no cover - runs in the child, before exec
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the kernel was asked
            os._exit(1)

    return ask_kernel


def watch_parent(pid: int) -> subprocess.Popen[bytes] | None:
    """Where the kernel offers nothing (macOS), a small process that waits for our end and then ends `pid`. None on Linux."""
    if _LINUX:
        return None
    return subprocess.Popen(  # pragma: no cover - macOS
        [sys.executable, "-I", "-S", "-c", _WATCH, str(pid)], stdin=subprocess.PIPE, process_group=0
    )
