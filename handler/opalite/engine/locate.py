"""Which OPA to run, found without starting a process wherever that can be helped: every run passes here.

The order: what `--opa` or OPALITE_OPA names (if wrong, an error, never a reason to look elsewhere), `opa` on
PATH if its version is supported, the managed copy that `opalite opa install` made.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from opalite.engine import remembered
from opalite.errors import EngineError

OPA_VERSION = "1.22.2"  # what the shipped policies are tested with, and what the installer brings
# Rego v1 is the default language from 1.0 on; 1.4.0 fixed CVE-2025-46569 in the data API that we speak.
OLDEST = (1, 4, 0)
BELOW = (2, 0, 0)  # a new major version may change the language under the policies
SUPPORTED = ">=1.4.0,<2.0.0"

_ANSWER_SECONDS = 20  # `opa version` takes about 50 ms; the rest is for a cold disk
_VERSION_LINE = re.compile(r"^Version: (\S+)$", re.MULTILINE)
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:[-+].*)?")

Origin = Literal["option", "environment", "path", "managed"]
Ask = Callable[[Path], str]


@dataclass(frozen=True, slots=True)
class Opa:
    """An OPA that may be used."""

    path: Path
    version: str
    origin: Origin


def find(explicit: str | None, environ: Mapping[str, str], *, ask: Ask | None = None) -> Opa:
    """The OPA to use; `explicit` is the value of `--opa`."""
    ask = ask or ask_version
    if explicit is not None:
        return _named(explicit, "option", "--opa", environ, ask)
    if environ.get("OPALITE_OPA"):
        return _named(environ["OPALITE_OPA"], "environment", "OPALITE_OPA", environ, ask)
    on_path = look_on_path(environ, ask=ask)
    found = on_path if isinstance(on_path, Opa) else managed(environ)
    if found is None:
        seen = f" ({on_path})" if isinstance(on_path, str) else ""
        raise EngineError(
            f"OPA was not found{seen}; run `opalite opa install`, or name an OPA {SUPPORTED} with --opa or OPALITE_OPA"
        )
    return found


def look_on_path(environ: Mapping[str, str], *, ask: Ask | None = None) -> Opa | str | None:
    """The first `opa` on PATH, or why that one is passed over, or None if there is none."""
    command = shutil.which("opa", path=environ.get("PATH", ""))
    if command is None:
        return None
    path = Path(command).absolute()
    try:
        return Opa(path, _supported(path, environ, ask or ask_version), "path")
    except EngineError as error:
        return f"passed over on PATH: {error}"


def managed(environ: Mapping[str, str]) -> Opa | None:
    """The copy that the installer put in place whole; its directory tells the version."""
    path = managed_path(environ)
    return Opa(path, OPA_VERSION, "managed") if os.access(path, os.X_OK) and path.is_file() else None


def managed_path(environ: Mapping[str, str]) -> Path:
    return cache_dir(environ) / "opa" / OPA_VERSION / "opa"


def cache_dir(environ: Mapping[str, str]) -> Path:
    """OPALITE_CACHE, else the user's cache directory as the platform has it. It need not exist."""
    if environ.get("OPALITE_CACHE"):
        return Path(os.path.expanduser(environ["OPALITE_CACHE"])).absolute()  # noqa: PTH111 - Path may raise
    home = Path(environ.get("HOME") or os.path.expanduser("~")).absolute()  # noqa: PTH111 - Path may raise
    if os.uname().sysname == "Darwin":
        return home / "Library" / "Caches" / "opalite"
    xdg = environ.get("XDG_CACHE_HOME", "")
    return (Path(xdg) if xdg.startswith("/") else home / ".cache") / "opalite"  # relative ones are to be ignored


def ask_version(path: Path) -> str:
    """What `opa version` says, for example "1.22.2"."""
    import subprocess  # noqa: PLC0415 - most runs need no process to find OPA

    try:
        answer = subprocess.run(
            [path, "version"],
            check=False,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=_ANSWER_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise EngineError(f"{path}: `version` gave no answer within {_ANSWER_SECONDS} s") from None
    except OSError as error:
        raise EngineError(f"{path} cannot be run: {error.strerror}") from error
    line = _VERSION_LINE.search(answer.stdout)
    if answer.returncode or line is None:
        raise EngineError(f"{path} does not answer `version` as OPA does (exit code {answer.returncode})")
    return line[1]


def _named(value: str, origin: Origin, source: str, environ: Mapping[str, str], ask: Ask) -> Opa:
    path = Path(os.path.expanduser(value)).absolute()  # noqa: PTH111 - Path may raise
    remedy = f"correct {source} or leave it out"
    if not value or not os.path.exists(path):  # noqa: PTH110 - Path may raise
        raise EngineError(f"{source}: there is no file {value!r}; {remedy}")
    if not path.is_file() or not os.access(path, os.X_OK):
        raise EngineError(f"{source}: {value!r} is not an executable file; {remedy}")
    try:
        return Opa(path, _supported(path, environ, ask), origin)
    except EngineError as error:
        raise EngineError(f"{source}: {error}; {remedy}") from error


def _supported(path: Path, environ: Mapping[str, str], ask: Ask) -> str:
    version = remembered.version(path, cache_dir(environ), ask)
    numbers = _VERSION.fullmatch(version)
    if numbers is None or not OLDEST <= tuple(map(int, numbers.groups())) < BELOW:
        raise EngineError(f"{path} is OPA {version}, supported is {SUPPORTED}")
    return version
