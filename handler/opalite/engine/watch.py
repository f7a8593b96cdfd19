"""Child processes of the installer: heard from while they run, ended with all they started when we end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from opalite.errors import InstallError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_BEAT_SECONDS = 1.0
_GRACE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Finished:
    """A process that has ended."""

    code: int
    output: str
    error: str


class Run(Protocol):
    """Run a command without a shell; `beat` is called about every second while it runs."""

    def __call__(
        self,
        command: Sequence[str],
        environ: Mapping[str, str],
        directory: Path,
        seconds: float,
        beat: Callable[[], None],
        /,
    ) -> Finished: ...


def run(
    command: Sequence[str],
    environ: Mapping[str, str],
    directory: Path,
    seconds: float,
    beat: Callable[[], None],
) -> Finished:
    """The Run that starts real processes, each in a group of its own; `directory` is where it works."""
    with tempfile.TemporaryFile(dir=directory) as output, tempfile.TemporaryFile(dir=directory) as error:
        try:
            process = subprocess.Popen(
                command,
                cwd=directory,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=error,
                start_new_session=True,
            )
        except OSError as problem:
            raise InstallError(f"{command[0]} cannot be run: {problem.strerror}") from problem
        try:
            code = _wait(process, command, seconds, beat)
        finally:
            _end(process)
        texts = []
        for file in (output, error):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "replace"))
        return Finished(code, *texts)


def last_lines(text: str, lines: int = 3, longest: int = 400) -> str:
    """The end of what a process said, as one line: the reason stands there."""
    told = [line.strip() for line in text.splitlines() if line.strip()]
    return " | ".join(told[-lines:])[-longest:] or "it said nothing"


def _wait(process: subprocess.Popen[bytes], command: Sequence[str], seconds: float, beat: Callable[[], None]) -> int:
    deadline = time.monotonic() + seconds
    while True:
        beat()
        try:
            return process.wait(timeout=_BEAT_SECONDS)
        except subprocess.TimeoutExpired:
            if time.monotonic() > deadline:
                raise InstallError(f"{' '.join(command[:2])} took longer than {seconds:.0f} s and was ended") from None


def _end(process: subprocess.Popen[bytes]) -> None:
    """Nothing of the group is left; the usual case is that it has ended by itself."""
    if process.poll() is not None:
        return
    for how, patience in ((signal.SIGTERM, _GRACE_SECONDS), (signal.SIGKILL, None)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=patience)
            return
