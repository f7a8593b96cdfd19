"""Bring OPA to this machine: the official release, else a build from the pinned module.

Nothing unchecked is used. Everything is made in a directory of its own in the cache, under a lock, and is
seen only after one rename.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from opalite.engine import gobuild, locate, release, watch
from opalite.engine.locate import OPA_VERSION, SUPPORTED, Opa
from opalite.errors import EngineError, InstallError

if TYPE_CHECKING:
    from types import FrameType

_WORKPLACE = "opalite-install-"  # only what bears this name is ever removed, wherever OPALITE_CACHE points
_POLL_SECONDS = 0.5

Report = Callable[[str, float | None], None]


@dataclass(frozen=True, slots=True)
class Means:
    """The ways to the outside: opening a URL, running a command, the platform (None: this one)."""

    fetch: release.Fetch = release.fetch_https
    run: watch.Run = watch.run
    platform: tuple[str, str] | None = None


def install(
    report: Report,
    environ: Mapping[str, str],
    *,
    force: bool = False,
    explicit: str | None = None,
    means: Means | None = None,
) -> Opa:
    """The OPA that runs will use, installed if there is none; `force` makes the managed copy anew.

    `report` is told the step, and how much of it is done or None, again and again while the step lasts.
    """
    if not force:
        usable = _usable(report, environ, explicit)
        if usable is not None:
            return usable
    cache = locate.cache_dir(environ)
    try:
        with _ended_by_signals(), _alone(cache, report):
            made_meanwhile = None if force else locate.managed(environ)
            return made_meanwhile or _make(cache, report, environ, means or Means())
    except OSError as error:
        raise InstallError(
            f"{error.filename or cache}: {error.strerror or error}; "
            "make room, or set OPALITE_CACHE to a directory you can write"
        ) from error


def _usable(report: Report, environ: Mapping[str, str], explicit: str | None) -> Opa | None:
    try:
        return locate.find(explicit, environ)
    except EngineError:
        if explicit is not None or environ.get("OPALITE_OPA"):
            raise
    on_path = locate.look_on_path(environ)
    if isinstance(on_path, str):
        report(on_path, None)
    return None


def _make(cache: Path, report: Report, environ: Mapping[str, str], means: Means) -> Opa:
    with _workplace(cache) as directory:
        try:
            new = release.download(OPA_VERSION, directory, report, fetch=means.fetch, platform=means.platform)
        except release.UnavailableError as no_release:
            report(f"no release: {no_release}", None)
            new = _build(directory, report, environ, means, no_release)
        return _put_in_place(new, locate.managed_path(environ))


def _build(directory: Path, report: Report, environ: Mapping[str, str], means: Means, no_release: InstallError) -> Path:
    try:
        return gobuild.build(OPA_VERSION, directory, report, environ, means.run)
    except InstallError as no_build:
        raise InstallError(
            f"OPA {OPA_VERSION} could not be installed. Release: {no_release}. Build: {no_build}. "
            "Once the cause is gone run `opalite opa install` again; "
            f"or put an OPA {SUPPORTED} on PATH or in OPALITE_OPA"
        ) from no_build


def _put_in_place(new: Path, place: Path) -> Opa:
    """Only what runs and says it is the wanted version becomes visible, and then whole and on disk."""
    new.chmod(0o755)
    try:
        version = locate.ask_version(new)
    except EngineError as error:
        raise InstallError(
            f"the new OPA does not run: {error}; "
            "if programs may not run in that directory, set OPALITE_CACHE to another"
        ) from error
    if version != OPA_VERSION:
        raise InstallError(f"the new OPA says it is {version}, expected was {OPA_VERSION}: it is not used")
    _sync(new)
    place.parent.mkdir(parents=True, exist_ok=True)
    new.replace(place)
    _sync(place.parent)
    return Opa(place, OPA_VERSION, "managed")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _alone(cache: Path, report: Report) -> Iterator[None]:
    """One install at a time. The lock is the kernel's, so a killed install cannot leave it behind."""
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (cache / "install.lock").open("ab") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                report(f"waiting for another install that works in {cache}", None)
                time.sleep(_POLL_SECONDS)
        yield


@contextlib.contextmanager
def _workplace(cache: Path) -> Iterator[Path]:
    """A directory on the destination's file system. Needs the lock: it removes what others left."""
    parent = cache / "tmp"
    parent.mkdir(mode=0o700, exist_ok=True)
    for leftover in parent.glob(f"{_WORKPLACE}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    directory = Path(tempfile.mkdtemp(dir=parent, prefix=_WORKPLACE))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        with contextlib.suppress(OSError):
            parent.rmdir()


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the install as an exception would, so that everything is cleaned up."""

    def end(number: int, _frame: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    ours = threading.current_thread() is threading.main_thread()
    taken = [each for each in (signal.SIGTERM, signal.SIGHUP) if ours and signal.getsignal(each) is signal.SIG_DFL]
    for each in taken:
        signal.signal(each, end)
    try:
        yield
    finally:
        for each in taken:
            signal.signal(each, signal.SIG_DFL)
