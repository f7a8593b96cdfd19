"""Ends the sessions that its parent has named, when the parent has ended in whatever way.

Run as a program: each line of standard input is a session id to remember, or with a minus before it one to forget. The end of
the input is the end of the parent.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path


def members(session: int) -> list[int]:
    """The processes of a session, in whichever process group they are."""
    found = []
    for pid in _pids():
        try:
            if os.getsid(pid) == session:
                found.append(pid)
        except (PermissionError, ProcessLookupError):
            continue
    return found


def send(pid: int, signal_number: int) -> None:
    """A signal to a process that may be gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal_number)


def kill(session: int) -> None:
    """Kill all of it, those too that were being started meanwhile."""
    while left := [pid for pid in members(session) if state(pid) not in "ZX"]:
        for pid in left:
            send(pid, signal.SIGKILL)


def state(pid: int) -> str:
    """One letter, as proc(5) has it; X for a process that is gone, Z for one that nobody has waited for yet."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "X"
    return status.rpartition(")")[2].split()[0]


def _pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


class Guard:
    """The running program. `watch` and `forget` take the ids of sessions."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-IS", __file__], stdin=subprocess.PIPE, start_new_session=True, bufsize=0
        )

    def watch(self, session: int) -> None:
        self._say(f"{session}\n")

    def forget(self, session: int) -> None:
        self._say(f"-{session}\n")

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode())


def main() -> None:
    sessions: set[int] = set()
    for line in sys.stdin:
        number = int(line)
        if number > 0:
            sessions.add(number)
        else:
            sessions.discard(-number)
    for session in sessions:
        kill(session)


if __name__ == "__main__":
    main()
