"""`opalite opa`: install OPA, and say which one is used."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from typing import TYPE_CHECKING, TextIO

import click

from opalite.engine import locate

if TYPE_CHECKING:
    from collections.abc import Callable

_LINE_EVERY = 10.0  # seconds, where lines stay
_PAINT_EVERY = 0.1  # seconds, on a terminal
_BAR = 24

_opa_option = click.option(
    "--opa",
    "explicit",
    metavar="PATH",
    help="The OPA executable to use; before OPALITE_OPA, PATH and the managed copy.",
)


@click.group("opa", short_help="Install OPA, and say which one is used.")
def opa() -> None:
    """Install OPA, and say which one is used.

    The order: --opa or OPALITE_OPA, `opa` on PATH if its version is supported, the managed copy in the
    user's cache.
    """


@opa.command("install")
@click.option("--force", is_flag=True, help="Make the managed copy anew, whatever is there.")
@_opa_option
def install_command(explicit: str | None, *, force: bool) -> None:
    """Install OPA into the user's cache, unless there is a usable one.

    The official release, checked against its SHA-256; where it cannot be had, a build from the pinned
    module by Go. OPALITE_CACHE names another directory than the user's cache.

    \b
    Example:
      opalite opa install --force
    """
    from opalite.engine.install import install  # noqa: PLC0415 - `--help` and the other commands need none of it

    progress = Progress(sys.stderr)
    try:
        found = install(progress, os.environ, force=force, explicit=explicit)
    finally:
        progress.close()
    click.echo(f"OPA {_told(found)}")
    if force:
        used = locate.find(explicit, os.environ)
        if used != found:
            click.echo(f"note: OPA {_told(used)} comes first and is the one that is used", err=True)


@opa.command("path")
@_opa_option
def path_command(explicit: str | None) -> None:
    """Print the path of the OPA that is used.

    \b
    Example:
      "$(opalite opa path)" test -b policies data
    """
    click.echo(str(locate.find(explicit, os.environ).path))


@opa.command("version")
@_opa_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print it.",
)
def version_command(explicit: str | None, form: str) -> None:
    """Print the version of the OPA that is used, and where it comes from.

    \b
    Example:
      opalite opa version --format json
    """
    found = locate.find(explicit, os.environ)
    document = {"version": found.version, "origin": found.origin, "path": str(found.path)}
    click.echo(json.dumps(document) if form == "json" else _told(found))


def _told(found: locate.Opa) -> str:
    return f"{found.version} ({found.origin}, {found.path})"


class Progress:
    """Shows steps as they report themselves: one living line on a terminal, else a line now and then."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._living = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._step: str | None = None
        self._begun = self._shown = 0.0

    def __call__(self, step: str, fraction: float | None) -> None:
        now = self._clock()
        if step != self._step:
            self.close()
            self._step, self._begun, self._shown = step, now, now
            self._write(f"\r\x1b[K{step}" if self._living else f"{step}\n")  # whole, if need be on more lines
        elif now - self._shown >= (_PAINT_EVERY if self._living else _LINE_EVERY):
            self._shown = now
            self._repeat(f"{step}: {self._amount(fraction, now)}")

    def close(self) -> None:
        """End the line that is still being painted."""
        if self._living and self._step is not None:
            self._stream.write("\n")
        self._step = None

    def _amount(self, fraction: float | None, now: float) -> str:
        if fraction is None:
            return f"{now - self._begun:.0f} s"
        bar = f"[{'#' * round(_BAR * fraction):.<{_BAR}}] " if self._living else ""
        return f"{bar}{fraction:.0%}"

    def _repeat(self, text: str) -> None:
        if not self._living:
            self._write(f"{text}\n")
            return
        columns = shutil.get_terminal_size().columns - 1
        # The beginning of a long step may go, the amount at the end may not.
        self._write(f"\r\x1b[K{text if len(text) <= columns else '…' + text[1 - columns :]}")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
