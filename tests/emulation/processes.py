"""A process of the execution environment with all that it starts: a session of its own, and a log."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Lock, Thread
from typing import IO

from emulation import guard

_CHUNK = 65_536
_STOPPING_SECONDS = 5.0  # a process that waits for a disk stops when it is done


class Child:
    """Started at once. `say` gets each line that it or what it starts writes; `ended` its exit code."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environ: Mapping[str, str],
        directory: Path,
        say: Callable[[str], None],
        ended: Callable[[int], None],
    ) -> None:
        self.name = name
        self._say = say
        self._lock = Lock()
        self._rest = b""
        self._frozen: set[int] = set()
        self._process = subprocess.Popen(
            command,
            env=dict(environ),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.session = self._process.pid
        self._threads = [Thread(target=self._read, daemon=True), Thread(target=self._watch, args=(ended,), daemon=True)]
        for thread in self._threads:
            thread.start()

    def pids(self) -> list[int]:
        """The process and all that it has started."""
        return guard.members(self.session)

    def wait(self, seconds: float) -> bool:
        """Whether the process has ended within the time."""
        try:
            self._process.wait(max(0.0, seconds))
        except subprocess.TimeoutExpired:
            return False
        return True

    def terminate(self) -> None:
        """Ask the process itself to end."""
        self._process.terminate()

    def freeze(self) -> None:
        """As AWS does between invocations: nothing of it runs until `thaw`."""
        deadline = time.monotonic() + _STOPPING_SECONDS
        while running := [pid for pid in self.pids() if guard.state(pid) not in "TtZX"]:
            for pid in running:
                guard.send(pid, signal.SIGSTOP)
            self._frozen.update(running)
            if time.monotonic() > deadline:
                break
            time.sleep(0.0005)

    def thaw(self) -> None:
        """Let that run which `freeze` has stopped; what somebody else has stopped stays so."""
        for pid in self._frozen.intersection(self.pids()) if self._frozen else ():
            guard.send(pid, signal.SIGCONT)
        self._frozen.clear()

    def silence(self) -> None:
        """What it writes from now on is nobody's business."""
        self._say = lambda _: None

    def kill(self) -> None:
        """End the process and all that it has started."""
        guard.kill(self.session)
        self._process.wait()
        for thread in self._threads:
            thread.join()

    def drain(self) -> None:
        """What was written before is in the log after."""
        while True:
            with self._lock:
                if self._process.stdout is None or self._process.stdout.closed or not _readable(self._process.stdout):
                    return
            time.sleep(0.0005)  # the reader's turn

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as pipe:
            while True:
                select.select([pipe], [], [])
                with self._lock:
                    chunk = os.read(pipe.fileno(), _CHUNK)
                    self._take(chunk)
                    if not chunk:
                        return

    def _take(self, chunk: bytes) -> None:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if not chunk and self._rest:
            lines, self._rest = [self._rest], b""
        for line in lines:
            self._say(f"[{self.name}] {line.decode(errors='replace').rstrip()}")

    def _watch(self, ended: Callable[[int], None]) -> None:
        ended(self._process.wait())


def _readable(pipe: IO[bytes]) -> bool:
    return bool(select.select([pipe], [], [], 0)[0])
