"""No OPA may outlive the process that started it, however that one ends: SIGKILL leaves no time for tidying up."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from opalite.engine.signals import held

_LINUX: bool = sys.platform.startswith("linux")
_PR_SET_PDEATHSIG = 1  # linux/prctl.h

# Reads until the parent's end of the pipe is closed, which the kernel does for a dead parent; then ends the child.
_WATCH = """
import contextlib, os, signal, sys
sys.stdin.buffer.read()
with contextlib.suppress(ProcessLookupError):
    os.kill(int(sys.argv[1]), signal.SIGKILL)
"""


@dataclass(frozen=True, slots=True)
class Child:
    """A process that ends when we do."""

    process: subprocess.Popen[bytes]
    _watch: subprocess.Popen[bytes] | None

    def end(self, seconds: float) -> None:
        """Asked to, and after `seconds` made to."""
        for process in (self.process, self._watch):
            if process is None or process.poll() is not None:
                continue
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._watch is not None and self._watch.stdin is not None:
            self._watch.stdin.close()


def start(command: Sequence[str], **how: Any) -> Child:
    """Popen(command, **how), bound to our life: by the Linux kernel, or by a small process that waits for our end.

    The kernel has to be asked by the child itself, between fork and exec, and Python code may run there only if no other thread
    does: a lock that one of them holds at that moment (of a tracer, of malloc) stays locked in the child for ever. Besides, the
    kernel means the thread that forked: only the main one lasts as long as we do.
    """
    is_alone = threading.active_count() == 1 and threading.current_thread() is threading.main_thread()
    with held():
        if _LINUX and is_alone:
            return Child(subprocess.Popen(command, preexec_fn=_dying_with_parent(), **how), None)  # noqa: PLW1509
        process = subprocess.Popen(command, **how)
        try:
            return Child(process, _watching(process.pid))
        except BaseException:
            process.kill()
            process.wait()
            raise


def _dying_with_parent() -> Callable[[], None]:
    libc = ctypes.CDLL(None)  # loaded here: between fork and exec nothing may be loaded
    parent = os.getpid()

    def ask_kernel() -> None:  # pragma: no cover - runs in the child, before exec
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the kernel was asked
            os._exit(1)

    return ask_kernel


def _watching(pid: int) -> subprocess.Popen[bytes]:
    """It keeps nothing of ours open that somebody may wait for the end of."""
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _WATCH, str(pid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        process_group=0,  # Ctrl-C is not meant for it
    )
