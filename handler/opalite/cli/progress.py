"""Standard error during a run: problems as they are met, and on a terminal a progress bar."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from opalite.adapters import files
from opalite.model import Item, Notice, Problem

if TYPE_CHECKING:
    from rich.progress import Progress


class Reporter:
    """Reads the input and reports on it. The bar appears on a terminal only, and only where there is much to read."""

    _SMALL = 4 * 1024 * 1024  # bytes; read before a bar could be drawn

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = paths
        self._progress: Progress | None = None

    def __enter__(self) -> Reporter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def items(self) -> Iterator[Item | Problem | Notice]:
        """Everything that the paths hold."""
        return files.read(self._paths, stdin=sys.stdin.buffer, progress=self._bar())

    def say(self, kind: str, line: str) -> None:
        """One line: `error` or `notice`."""
        text = "".join(letter if letter.isprintable() else "�" for letter in line)
        with suppress(OSError):
            if self._progress is not None:
                self._progress.console.print(f"opalite: {kind}: {text}", markup=False, highlight=False, soft_wrap=True)
            else:
                sys.stderr.write(f"opalite: {kind}: {text}\n")

    def close(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _bar(self) -> Callable[[int], None] | None:
        total = files.total_bytes(self._paths) if sys.stderr.isatty() else None
        if total is None or total < self._SMALL:
            return None
        from rich.console import Console  # noqa: PLC0415 - on a terminal only
        from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn  # noqa: PLC0415

        progress = self._progress = Progress(
            "judging",
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        task = progress.add_task("judging", total=total)
        progress.start()
        return lambda count: progress.advance(task, count)
